/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_WIRES_H
#define CERTD_TESTS_SIM_WIRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "tests/sim/primary.h"

struct reply;
struct town;

/*
 * The name servers of the world, that tests/sim/dns_fake.h lets the daemon ask.
 *
 *	wires_open(&wires, &town);
 *	wires_serve(&wires, "example.com", "ns3.example.net", "192.0.2.3", 20000);   20 s behind
 *
 * A zone has one content, with a history: wires_add() and wires_remove() change it now, and a server shows
 * the change when its lag is over.  SOA, NS and the servers' addresses are made from what is served; the zone above
 * refers to zones below.  Resolvers, the extra name servers too, know everything at once but keep what was not there
 * for NEGATIVE_S.  A server can be silent, refuse, fail, be lame, answer from an old copy or answer garbage.
 * Answers are real messages, read by lib/wire.  The wires outlive restarts of the daemon.
 */

#define WIRES_NEGATIVE_S 60

enum wires_fault {
	WIRES_WELL,
	WIRES_SILENT,
	WIRES_REFUSES,
	WIRES_FAILS,  /* SERVFAIL */
	WIRES_LAME,   /* no authority */
	WIRES_FROZEN, /* shows what it showed at that moment */
	WIRES_FLAPS,  /* well and silent in turns */
};

struct wires {
	struct town *town;
	struct list servers, records, memories;
	struct list overrides;     /* what our own resolver says instead */
	unsigned n_asked;          /* questions that were answered, or not */
	unsigned n_begun, lose_at; /* questions, and the one that is lost */
	bool hangs;                /* it costs the time of all tries */
	struct primary primary;    /* takes updates */
	const char *dragged;       /* an apex, or NULL */
	const char *mute;          /* a name to whose questions nothing comes, or NULL */
};

/* Every scenario begins with example.com on two servers, com above it, our resolver and four of the world. */
#define WIRES_NS1 "192.0.2.1"
#define WIRES_NS2 "192.0.2.2"
#define WIRES_OWN "198.51.100.53"
void wires_serve(struct wires *wires, const char *apex, const char *name, const char *address,
	int64_t lag_ms);
bool wires_has_zone(const struct wires *wires, const char *address, const char *apex);
void wires_hide(struct wires *wires, const char *name); /* the zone forgot it, not its parent */
void wires_resolver(struct wires *wires, const char *address);
void wires_fault(struct wires *wires, const char *address, enum wires_fault fault);

/* Our own resolver has an entry of its own for the name: these records, or with `text` NULL no such name. */
void wires_override(struct wires *wires, const char *owner, uint16_t type, const char *text);

/* Resolvers say nothing about what lies there, as while they wait for servers that are silent. */
void wires_drag(struct wires *wires, const char *apex);

void wires_open(struct wires *wires, struct town *town);
void wires_close(struct wires *wires);

/* `text`: an address, a name, the text of a TXT record, or `0 issue "ca.test"`. */
void wires_add(struct wires *wires, const char *owner, uint16_t type, const char *text);
void wires_settle(
	struct wires *wires); /* what stands has stood for long, and nobody lags with it */
void wires_remove(struct wires *wires, const char *owner, uint16_t type, const char *text);

/*
 * What a CA sees that asks each server of the zone: does every one that answers at all show the text, and at least one?
 * Aliases are followed.
 */
bool wires_show(struct wires *wires, const char *owner, const char *text);

/* Does such a record stand?  `owner` and `text` NULL: any. */
bool wires_holds(const struct wires *wires, const char *owner, uint16_t type, const char *text);

/* The k-th question from now on (1 is the next) is not answered: at once, or after all tries. */
void wires_lose(struct wires *wires, unsigned k, bool hangs);

/* How often this address was asked; with `owner` NULL about anything. */
unsigned wires_asked(const struct wires *wires, const char *address);

/* For dns_fake.c.  What the server at this address answers; false: nothing comes. */
bool wires_answer(struct wires *wires, const char *address, const char *name, uint16_t type,
	struct reply *reply);
bool wires_are_silent(const struct wires *wires, const char *address, const char *name);
const char *wires_resolver_at(const struct wires *wires, size_t i); /* NULL: no more */

#endif
