/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_SURVEY_H
#define CERTD_DAEMON_DNS_RESOLVE_SURVEY_H

#include "daemon/dns/resolve/server_role.h"
#include "daemon/dns/resolve/zones.h"
#include "lib/base/err.h"

/*
 * A survey finds all servers of a zone with all their addresses: one task for each zone, shared
 * by all that wait.
 *
 *	AWAIT(zone_open(zone, task, &o->open));
 *	... o->open.err, zone->servers[0..n_servers)
 *
 * zone_open() returns at once when the last survey is younger than the TTL of the zone's SOA
 * record (at least a minute, at most an hour).  Otherwise the servers are, in this order: the
 * configured primary; the configured name servers, and then no others; else the NS records of
 * the zone and those of its parent, each with all its addresses, IPv4 and IPv6.  A primary that
 * does not answer stays in the list, and the resolver is asked in its place.  Extra name
 * servers of the configuration come last.  Addresses are asked of the primary when it is
 * configured and knows them, else of the resolver, else taken from the additional section of
 * the NS answer.
 *
 * The error is ERR_DNS when no server has authority for the zone or none has an address.
 * Servers of an earlier survey then stay for another minute instead.  A server name without an
 * address is no failure; one from the configuration is logged when that begins, and stays in
 * the list.
 */

struct name_server {
	struct dns_address address; /* .len == 0: configured by a name, `text`, that has none */
	char text[DNS_ADDRESS_TEXT_LEN];
	char name[256]; /* "ns1.example.net"; "" when it was configured by address */
	enum server_role role;
	bool is_listed; /* a primary that is one of the zone's NS records, too */
	bool is_anycast;
};

struct zone_op {
	struct op op;
	struct list link;
	struct err err; /* not the task's */
};

void zone_open(struct zone *zone, struct task *task, struct zone_op *op);

/* Marks the servers as doubtful: the next zone_open() asks again, at most once a minute. */
void zone_invalidate(struct zone *zone);

/* For zones_stop(). */
void survey_stop(struct zone *zone);

#endif
