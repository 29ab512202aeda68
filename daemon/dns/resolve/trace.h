/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_TRACE_H
#define CERTD_DAEMON_DNS_RESOLVE_TRACE_H

#include "daemon/dns/resolve/inflight.h"
#include "daemon/dns/resolve/lookup.h"
#include "daemon/dns/resolve/wildcard.h"
#include "daemon/dns/resolve/zones.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

/*
 * A trace follows a name from server to server through delegations, CNAMEs and DNAMEs to its
 * final owner, in whatever zone that is (RFC 1034, 4.3.2; RFC 6672); a child task that never
 * fails its parent.
 *
 *	trace_start(&o->trace, task, zones, "_acme-challenge.www.example.com", DNS_TXT);
 *	JOIN() ... o->trace.err, o->trace.owner, o->trace.apex, trace_answer(&o->trace)
 *
 * The search begins at the nearest known zone: one of the configuration with its primary or
 * name servers, else one of an earlier delegation, else the zone of the last two labels as the
 * resolver knows it, which is searched for once for all traces (inflight.h).  From there on
 * only servers of zones are asked, so that no cache learns that a name does not exist yet.
 * Where a configured primary does not answer, the search begins as if there were none, unless
 * the configuration names all servers of the zone.  A circle of aliases, or more than
 * TRACE_ALIASES of them, is ERR_DNS_LOOP with the chain; failing servers are ERR_DNS. An owner
 * that does not exist is no error.  Where the configuration says that no server of the zone can
 * be asked, the owner is taken as it is.
 *
 * trace_start_publish() finds the owner at which a record of ours is published: an alias that
 * was made from a wildcard (wildcard.h) ends there, because the record replaces it.  Its type
 * is DNS_SOA where the present records do not matter, since any answer names the zone.
 * trace_start() goes where resolvers go now.
 */

#define TRACE_ALIASES 8
#define TRACE_DELEGATIONS 16

/* An alias that was followed; a CA that asks any server of its zone has to find it. */
struct trace_alias {
	char owner[DNS_NAME_LEN], target[DNS_NAME_LEN];
	char apex[DNS_NAME_LEN]; /* of the zone that holds it; "": not known */
};

struct trace {
	struct task task;
	struct zones *zones;
	char owner[DNS_NAME_LEN]; /* so far, then the final one */
	char apex[DNS_NAME_LEN];  /* of the zone that holds it */
	uint16_t type;
	struct trace_alias *aliases; /* where a record of ours is to stand */
	unsigned n_aliases, n_delegations;
	uint32_t alias_ttl;           /* the lowest of those followed */
	struct buf chain;             /* "a -> b -> c", for people */
	struct delegation delegation; /* where the next question goes */
	char wanted[DNS_NAME_LEN];    /* the zone whose servers are looked for */
	char *servers[2];             /* names of its servers that are looked up */
	size_t n_servers;
	struct inflight *inflight; /* while it is this trace that searches */
	struct inflight_op join;   /* while it is another one */
	struct lookup lookup;
	struct lookup *soa; /* rarely needed, hence not within */
	const char *soa_of; /* the name whose SOA record is asked for */
	struct wildcard *wildcard;
	struct lookup *addresses; /* two for each of `servers`, while they are looked up */
	char *said;          /* the resolver's view of the servers; NULL: it was not asked */
	char *primary_error; /* the error of a configured primary that is passed over; or NULL */
	bool is_configured;  /* the configuration says where the next question goes */
	bool is_blind;       /* none of the zone's servers can be asked, by the configuration */
	bool is_publish;     /* for where a record of ours is to stand */
	bool is_doubtful;    /* it has records now, which may be made from a wildcard */
	bool is_made;        /* it is */
	bool is_done, is_alias, needs_soa;
	struct err err;
};

void trace_start(struct trace *trace, struct task *parent, struct zones *zones,
	const char *owner, uint16_t type);
void trace_start_publish(struct trace *trace, struct task *parent, struct zones *zones,
	const char *owner, uint16_t type);

/*
 * Takes the result of another trace of the same name; no question is asked, and there is no
 * answer.
 */
void trace_settled(struct trace *trace, const struct trace *other);

/*
 * The answer of a server of the zone for the final owner.  NULL with an error when no server
 * can be asked, or, for trace_start_publish(), when the answer was made from a wildcard.
 */
const struct dns_message *trace_answer(const struct trace *trace);
void trace_done(struct trace *trace); /* zeroed is fine */

/*
 * The error that a trace of this name would end with, because its zone was searched for in vain
 * a moment ago; else NULL. For callers that can do without an answer.
 */
const struct err *trace_foreseen(struct zones *zones, const char *owner);

#endif
