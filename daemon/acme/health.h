/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_HEALTH_H
#define CERTD_DAEMON_ACME_HEALTH_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/instant.h"

/*
 * The health of a CA says whether it is asked at all: the circuit breaker, one for each
 * directory.
 *
 * Only errors that are the CA's own count: no connection, no TLS, 5xx, nonsense, foreign URLs;
 * not those that follow a name (validation, CAA, a refused name), and not limits, which have
 * their own times.  After HEALTH_TRIES of them in a row, each of another order, the CA counts
 * as down and is left alone for a minute, which doubles with every try in vain up to half an
 * hour, or for as long as it asked itself, a day at most.  Then one order goes first as a probe
 * (it begins with the directory, a plain GET), and its outcome decides for all: a success
 * closes the breaker.
 *
 * A CA that was down comes back slowly: for ten minutes after the breaker closed, certificates
 * that have another CA in their list stay with that one.
 *
 * Pure.  The struct is embedded in struct acme_ca; nothing is stored, a restart asks the CA
 * afresh.
 */

enum { HEALTH_TRIES = 3 };

enum ca_state {
	CA_UP,
	CA_BACK,  /* up again, but not for long */
	CA_DOWN,  /* left alone until its time */
	CA_PROBE, /* its time has come; the next order, or one that runs, is the probe */
};

struct ca_health {
	unsigned failures;  /* in a row, of the CA's own */
	struct tick until;  /* down until then; .ms == 0: not down */
	struct tick asked;  /* the CA itself wants to be left alone until then */
	struct tick probed; /* a probe is under way since then; .ms == 0: none */
	struct tick closed; /* up again since then; .ms == 0: it was never down */
	struct err last;    /* why it counts as down */
};

/* "up", "back", "down", "probe". */
const char *ca_state_text(enum ca_state state);
enum ca_state health_state(const struct ca_health *health, struct tick tick);

/* When it is asked again; INSTANT_NONE unless it is down. */
struct instant health_opens(
	const struct ca_health *health, struct tick tick, struct instant now);

/* Does this error tell about the CA, and not about the name or about us? */
bool health_is_the_cas(const struct err *err);

/*
 * May an order begin now?  When not, *err says why (ERR_CA_DOWN, with the moment in
 * not_before).  True for one probe when the time is over, then false until it is told how that
 * ended.
 */
bool health_allows(struct ca_health *health, const char *ca, struct tick tick,
	struct instant now, struct err *err);

/*
 * An operator wants it asked again: the time of a breaker that is open is over now, or once the
 * time that the CA itself asked for is over.
 */
void health_look_anew(struct ca_health *health, struct tick tick);

/*
 * How an order, or what it needs first, ended: NULL or no code for a success.  True when the CA
 * counts as down from now on, which it did not before.
 */
bool health_note(
	struct ca_health *health, const struct err *err, struct tick tick, struct instant now);

#endif
