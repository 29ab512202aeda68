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
 * Where a name really lies: followed from server to server through delegations, and through CNAMEs and
 * DNAMEs to its final owner, in whatever zone that is (RFC 1034, 4.3.2; RFC 6672); a child task that
 * never fails its parent.
 *
 *	trace_start(&o->trace, task, zones, "_acme-challenge.www.example.com", DNS_TXT);
 *	JOIN() ... o->trace.err, o->trace.owner, o->trace.apex, trace_answer(&o->trace)
 *
 * The search for a name begins at the nearest zone that is known: one that the configuration names, with
 * its primary or name servers, else one that a delegation told before, else the zone of its last two
 * labels as the resolver knows it, which is searched for once for all traces (search.h).  From there on only servers of zones are asked, so that nothing is
 * planted in caches about a name that does not exist yet.  Where a configured primary does not answer, the search begins
 * as if there were none, unless the configuration names all servers of the zone.  Aliases in a circle, or more than TRACE_ALIASES
 * of them, are ERR_DNS_LOOP with the chain; servers that fail are ERR_DNS.  That the owner does not exist is no error.
 * Where the configuration says that no server of the zone can be asked, the owner is taken as it is.
 *
 * trace_start_publish() finds where a record of ours is to stand: an alias that was made from a wildcard
 * (wildcard.h) ends there, because the record takes its place.  Its type is DNS_SOA where what stands there now does not
 * matter: whatever it is, the answer tells the zone.  trace_start() goes where the world goes now.
 */

#define TRACE_ALIASES 8
#define TRACE_DELEGATIONS 16

/* One that was followed: whoever asks any server of its zone has to find it there. */
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
	struct lookup *soa; /* what few need, hence apart */
	const char *soa_of; /* the name whose SOA record is asked for */
	struct wildcard *wildcard;
	struct lookup *addresses; /* two for each of `servers`, while they are looked up */
	char *said; /* what the resolver said of the zone's servers, when this trace asked it; or NULL */
	char *primary_error; /* what the configured primary said, whose answer is done without; or NULL */
	bool is_configured; /* the configuration says where the next question goes */
	bool is_blind;      /* none of the zone's servers can be asked, by the configuration */
	bool is_publish;    /* for where a record of ours is to stand */
	bool is_doubtful;   /* it has something now, which may be made from a wildcard */
	bool is_made;       /* it is */
	bool is_done, is_alias, needs_soa;
	struct err err;
};

void trace_start(struct trace *trace, struct task *parent, struct zones *zones,
	const char *owner, uint16_t type);
void trace_start_publish(struct trace *trace, struct task *parent, struct zones *zones,
	const char *owner, uint16_t type);

/* The trace as another one has led there, without asking anybody; it has no answer. */
void trace_settled(struct trace *trace, const struct trace *other);

/*
 * What a server of the zone answered for the final owner; NULL with an error, when none can be asked, or, where a record of ours is to stand, when that was
 * made from a wildcard.
 */
const struct dns_message *trace_answer(const struct trace *trace);
void trace_done(struct trace *trace); /* zeroed is fine */

/*
 * Would a trace of this name fail, as one did a moment ago that found no zone?  For those who can do without an
 * answer; then that error, else NULL.
 */
const struct err *trace_foreseen(struct zones *zones, const char *owner);

/* Where a zone is asked of which some trace was told lately; NULL: it takes one to know. */
const struct delegation *trace_known(const struct zones *zones, const char *apex);

#endif
