/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_LOOKUP_H
#define CERTD_DAEMON_DNS_RESOLVE_LOOKUP_H

#include "daemon/dns/resolve/zones.h"
#include "lib/base/err.h"

/*
 * One question, put to some servers in turn until one answers it properly; a child task that never
 * fails its parent.
 *
 *	lookup_start(&o->lookup, task, zones, apex, name, DNS_NS);               asks the resolvers
 *	lookup_start_at(&o->lookup, task, zones, apex, name, DNS_TXT, at, n);    asks servers of a zone
 *	JOIN() ... o->lookup.err, lookup_answer(&o->lookup)
 *
 * A resolver answers properly with NOERROR or NXDOMAIN; a server of a zone when, besides, it has authority
 * for the answer or refers to another zone's servers.  Aliases are not followed here: a resolver has done
 * so in its answer, and of servers trace.h asks again.  The error says what each of them said, ERR_DNS.
 *
 * `apex` is the zone on whose account it is asked (lib/net/dns_op.h): that whose servers are asked or looked for.
 * Resolvers that say nothing may be waiting for servers of that zone, which are silent.  Only those that do not answer for the
 * root either are dead, and then left alone for a minute.
 */

#define LOOKUP_SERVERS 8

struct lookup {
	struct task task;
	struct zones *zones;
	const char *apex, *name; /* the caller's, until the lookup has ended */
	uint16_t type;
	struct dns_address at[LOOKUP_SERVERS];
	size_t n, next, n_silent, n_doubted;
	bool is_of_resolver;
	struct dns_probe_op probe;
	struct err err;
};

void lookup_start(struct lookup *lookup, struct task *parent, struct zones *zones,
	const char *apex, const char *name, uint16_t type);
void lookup_start_at(struct lookup *lookup, struct task *parent, struct zones *zones,
	const char *apex, const char *name, uint16_t type, const struct dns_address *at,
	size_t n);

/* The message, which the lookup owns; NULL: none, see lookup->err. */
const struct dns_message *lookup_answer(const struct lookup *lookup);
/* Others were asked instead of a server that had failed with this text, and did no better.  NULL, or no error: nothing. */
void lookup_add_primary_error(const char *primary_error, struct err *err);

void lookup_done(struct lookup *lookup); /* zeroed is fine */

/* Is it a referral: no authority, and servers of a zone that holds the question?  That zone, or NULL. */
const char *lookup_referral(const struct dns_message *message);

/* The address in an A or AAAA record, with the port of DNS; -1: it is another record. */
int lookup_address(const struct dns_record *record, struct dns_address *out);

#endif
