/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_SURVEY_H
#define CERTD_DAEMON_DNS_RESOLVE_SURVEY_H

#include "daemon/dns/resolve/server_role.h"
#include "daemon/dns/resolve/zones.h"
#include "lib/base/err.h"

/*
 * All servers of a zone with all their addresses: one task per zone that everybody waits for.
 *
 *	AWAIT(zone_open(zone, task, &o->open));
 *	... o->open.err, zone->servers[0..n_servers)
 *
 * goes on at once when the zone was surveyed within the TTL of its SOA record (at most an hour, at least a minute).
 * Otherwise the servers are, in this order: the configured primary; the configured name servers, and then no others;
 * else the NS records as the zone has them and as its parent refers to them, both, each with all its addresses, IPv4 and IPv6.
 * A primary that does not answer is one of them all the same, and the resolver is asked in its place.
 * The extra name servers of the configuration come last.  Addresses are asked of the primary when
 * that is configured and knows them, else of the resolver, else taken from what came along with the NS records.
 *
 * Fails with ERR_DNS when nobody has authority for the zone, or no address of any server is found, and no survey
 * has found them before: else those stay for another minute.  A name of a server without address is no failure; one
 * that the configuration names is told when that begins, and has a place among the servers.
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

/* It does not answer as it did: the next zone_open() asks again (at most once a minute). */
void zone_invalidate(struct zone *zone);

/* For zones_stop(). */
void survey_stop(struct zone *zone);

#endif
