/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_RESOLVER_H
#define CERTD_DAEMON_DNS_RESOLVE_RESOLVER_H

#include "daemon/dns/resolve/lookup.h"

/*
 * What a resolver says of the servers of a zone, for people: one with a local override, or that sees another part of
 * the world, sends certd to the wrong servers or to none, and nothing else in an error tells that.
 */

/* "the resolver 192.0.2.53 says NXDOMAIN of example.com", of a lookup of its NS records; NULL: none answered. */
char *resolver_said(const struct lookup *ns);

/*
 * Adds what was said (NULL: nothing) to an error about a zone's servers, and what helps: where the configuration names
 * them already nothing does, and the error stays as it is.
 */
void resolver_add_help(
	const struct zones *zones, const char *name, const char *said, struct err *err);

#endif
