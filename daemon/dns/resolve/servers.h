/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_SERVERS_H
#define CERTD_DAEMON_DNS_RESOLVE_SERVERS_H

#include "daemon/dns/resolve/survey.h"

/*
 * A server list collects the servers of a zone during a survey: addresses, each once with its
 * strongest role, and names whose addresses are still to be found.  Pure.  Order of calls:
 * servers_want() and servers_add() for each NS record, servers_add_for() for each address found
 * for a name, servers_use_glue() for names without any.  The bounds are ZONE_ADDRESSES_MAX and
 * SERVER_NAMES_MAX; further ones are left out.
 */

#define SERVER_NAMES_MAX 32
#define SERVER_GLUE_MAX 4

struct wanted_server {
	char name[256];
	uint16_t port; /* 0: that of DNS */
	enum server_role role;
	bool is_resolved;
	bool is_configured;
	size_t n;      /* addresses found */
	size_t lookup; /* the survey's place for it */
	struct dns_address glue[SERVER_GLUE_MAX];
	size_t n_glue;
};

struct servers {
	struct name_server *at;
	size_t n;
	struct wanted_server *wanted;
	size_t n_wanted;
};

void servers_add(struct servers *servers, const char *name, const struct dns_address *address,
	enum server_role role);
void servers_want(
	struct servers *servers, const char *name, uint16_t port, enum server_role role);

/* The same for a name from the configuration, which is reported when it has no address. */
void servers_name(
	struct servers *servers, const char *name, uint16_t port, enum server_role role);
void servers_add_for(struct servers *servers, struct wanted_server *wanted,
	const struct dns_address *address);

/* An address that came along with the NS records: second best. */
void servers_add_glue(
	struct servers *servers, const char *name, const struct dns_address *address);
void servers_use_glue(struct servers *servers);

/* Called last: adds the names of the configuration that have no address, so that they are shown. */
void servers_add_unresolved(struct servers *servers);

/* How many names have no address yet; how many addresses have authority. */
size_t servers_unresolved(const struct servers *servers);
size_t servers_authoritative(const struct servers *servers);

/* The SOA record calls this server the primary. */
void servers_name_primary(struct servers *servers, const char *name);
void servers_mark_anycast(struct servers *servers, const struct dns_address *address);

/* Sorts for people: the primary, others with authority, extras; each by name, then by address. */
void servers_sort(struct servers *servers);
void servers_done(struct servers *servers); /* zeroed is fine */

#endif
