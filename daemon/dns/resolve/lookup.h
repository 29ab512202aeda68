/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_LOOKUP_H
#define CERTD_DAEMON_DNS_RESOLVE_LOOKUP_H

#include "daemon/dns/resolve/zones.h"
#include "lib/base/err.h"

/*
 * A lookup puts one question to some servers in turn until one answers it properly; a child
 * task that never fails its parent.
 *
 *	lookup_start(&o->lookup, task, zones, apex, name, DNS_NS);
 *		asks the resolvers
 *	lookup_start_at(&o->lookup, task, zones, apex, name, DNS_TXT, at, n);
 *		asks servers of a zone
 *	JOIN() ... o->lookup.err, lookup_answer(&o->lookup)
 *
 * A proper answer of a resolver is NOERROR or NXDOMAIN; that of a zone's server has authority
 * besides, or refers to another zone's servers.  A lookup follows no aliases: a resolver has
 * done so in its answer, and trace.h follows those of servers.  The error is ERR_DNS and names
 * what each server said.
 *
 * `apex` is the zone on whose account the question is asked (lib/net/dns_op.h): the one whose
 * servers are asked or looked for.  A silent resolver may itself be waiting for silent servers
 * of that zone.  Resolvers are dead only when they do not answer for the root either; they are
 * then left alone for a minute.
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
/*
 * Appends the text of a server that had failed before to the error of those asked instead of
 * it.  NULL, or no error, changes nothing.
 */
void lookup_add_primary_error(const char *primary_error, struct err *err);

void lookup_done(struct lookup *lookup); /* zeroed is fine */

/*
 * Is it a referral: no authority, and servers of a zone that holds the question?  That zone, or
 * NULL.
 */
const char *lookup_referral(const struct dns_message *message);

/* The address in an A or AAAA record, with the port of DNS; -1: it is another record. */
int lookup_address(const struct dns_record *record, struct dns_address *out);

#endif
