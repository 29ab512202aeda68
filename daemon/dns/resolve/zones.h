/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_ZONES_H
#define CERTD_DAEMON_DNS_RESOLVE_ZONES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/net/dns_probe.h"

struct conf;
struct keeper;
struct lookup;
struct zone_conf;

/*
 * The zone registry holds what the engine has learnt from DNS and remembers for a while.
 *
 *   ../zones_life.h     its creation, configuration and end; includes all of the following
 *   lookup.h            one question, to the first of some servers that answers it properly
 *   trace.h             a name followed through aliases and delegations to its final owner
 *   wildcard.h          whether an answer is a record of the name, or made from a wildcard
 *   resolver.h          a resolver's view of a zone's servers, for people
 *   inflight.h          the search for a zone's servers, shared by all that need it
 *   delegation.h        addresses of servers that traces learnt, for some minutes
 *   survey.h            all servers of a zone, with all their addresses
 *   trouble.h           zones the keeper cannot publish in
 *   ../watch/propagation.h    waits until all servers show a record
 *   ../watch/evidence.h       what each of them was seen to say, and what follows; pure
 *   ../rules/caa_find.h       the CAA records that count for a name (caa_look.h: of one owner)
 *   ../rules/caa.h, persist.h what must hold before a CA is asked; pure
 *   ../update/updater.h       sends the keeper's dynamic updates
 *
 * The world owns its struct zones.  Nothing in it must survive: after a restart all is asked
 * again.
 *
 * One rule holds throughout: a resolver is never asked about a name that may not exist yet,
 * because it and the caches behind it would remember that for a while (RFC 2308) and tell it to
 * the CA. Resolvers are asked for addresses of name servers and for servers of zones above;
 * the rest is asked of the zones' own servers, without recursion.
 */

#define ZONE_ADDRESSES_MAX 64 /* of all servers of one zone; more are not asked */
#define RESOLVERS_MAX 3

/* One zone, found by its apex.  Freed with the registry, or when it was not used for a while. */
struct zone {
	struct list link;
	struct zones *zones;
	char *apex;
	/* The servers of its last survey (survey.h). */
	struct name_server *servers;
	size_t n_servers;
	struct tick fresh_until; /* .ms == 0: not surveyed */
	bool is_doubted;         /* so for a while only (zone_doubt()) */
	unsigned n_surveys;      /* how often the servers were replaced */
	bool is_known;           /* they were found under the configuration in force */
	char *trouble;           /* why the last survey found none, or NULL */
	struct survey *survey;   /* the task that asks now, or NULL */
	struct list waiting;     /* struct zone_op, for its end */
	struct list pollers;     /* struct poller (../watch/poller.h) */
	struct tick refreshed;   /* when the keeper was last asked to publish again */
	unsigned n_users;
};

/* Where to ask about a zone until its survey is needed: a few addresses. */
#define DELEGATION_ADDRESSES 4
struct delegation {
	char apex[DNS_NAME_LEN];
	struct dns_address at[DELEGATION_ADDRESSES];
	size_t n;
	bool is_instead; /* in the place of a configured primary that gave no answer */
	struct tick until;
};

struct zones {
	struct loop *loop;
	struct dns *dns;
	struct keeper *keeper;
	struct conf *conf;      /* a reference: that in force */
	struct map by_apex;     /* struct zone */
	size_t n_kept;          /* of them, when some were forgotten last */
	struct map delegations; /* struct delegation, by apex */
	struct map inflights;   /* struct inflight, by apex */
	struct map caa_seen;    /* struct caa_seen, by owner: what is remembered */
	struct map caa_asked;   /* struct caa_asking, by owner: what is being asked */
	struct dns_address resolvers[RESOLVERS_MAX];
	size_t n_resolvers;
	struct tick resolvers_due; /* none of them answered; they are not asked before */
	struct lookup *doubting;   /* finds out whether they are dead; or NULL */
	struct map unresolved; /* names of configured servers that were told of (survey.h) */
	struct list updaters;  /* updater.h */
	struct list troubles;  /* trouble.h */
	unsigned n_tasks;      /* surveys, pollers, updaters and questions for CAA that run */
	bool is_stopping;
	void (*idle)(void *data);
	void *idle_data;
};

/* The zone, made when it is not known; the caller uses it until zone_release(). */
struct zone *zone_of(struct zones *zones, const char *apex);
void zone_release(struct zone *zone); /* NULL is fine */

/* The entry of dns.zones that holds the name, or the entry `default`, or NULL. */
const struct zone_conf *zones_conf(const struct zones *zones, const char *name);

/* The address of a configured server that was given as one; -1: it was given by name. */
struct endpoint;
int zones_address(const struct endpoint *endpoint, struct dns_address *out);

/* Drops what is remembered; it is asked again when it is needed next. */
void zones_doubt(struct zones *zones);
void zones_clear(
	struct zones *zones); /* frees all zones and delegations, which have no users left */

/*
 * Notes whether a configured server has an address.  True when that has just ended, so that it is
 * logged once, whichever zones name the server.
 */
bool zones_note_unresolved(struct zones *zones, const char *server, bool is_resolved);

/* For its parts: a task of its own has begun, or ended. */
void zones_task_began(struct zones *zones);
void zones_task_ended(struct zones *zones);

#endif
