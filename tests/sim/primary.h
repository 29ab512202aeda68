/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_PRIMARY_H
#define CERTD_TESTS_SIM_PRIMARY_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct wires;

/*
 * A primary name server that takes dynamic updates (RFC 2136) with a key (RFC 8945): it reads and signs with the
 * code of lib/wire, looks at prerequisites, and changes the world's records (tests/sim/wires.h).
 *
 *	sim.wires.primary = (struct primary){ .address = WIRES_NS1, .key = "key", .secret = "..." };
 *	sim.wires.primary.fault = PRIMARY_REFUSES, sim.wires.primary.n_faults = 2;
 *
 * Without `address` nobody takes updates.  It outlives restarts of the daemon.
 */

enum primary_fault {
	PRIMARY_WELL,
	PRIMARY_REFUSES,
	PRIMARY_NOTAUTH,
	PRIMARY_FAILS,    /* SERVFAIL */
	PRIMARY_UNSIGNED, /* carries it out and does not sign the answer */
	PRIMARY_FORGED,   /* the same, with a wrong signature */
	PRIMARY_DEAF,     /* nothing is heard of it, and nothing happens */
	PRIMARY_MUTE,     /* nothing is heard of it, but it is carried out */
	PRIMARY_AWAY,     /* nobody listens at its address */
};

struct primary {
	const char *address;
	const char *key, *secret; /* hmac-sha256; NULL: whoever asks may change everything */
	enum primary_fault fault; /* of the next `n_faults` messages; < 0: of all */
	int n_faults;
	int64_t clock_off_s, late_ms;
	unsigned n_begun, n_applied; /* messages */
	unsigned lose_at;            /* the message that has this fault, whatever else is so: */
	enum primary_fault loss;
};

/* The fault of the message that comes now. */
enum primary_fault primary_turn(struct primary *primary);

/* Carries out what the message says, unless there is a reason not to, and appends the answer. */
void primary_answer(struct wires *wires, const char *address, enum primary_fault fault,
	const struct buf *message, struct buf *answer);

#endif
