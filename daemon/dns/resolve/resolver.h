/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_RESOLVER_H
#define CERTD_DAEMON_DNS_RESOLVE_RESOLVER_H

#include "daemon/dns/resolve/lookup.h"

/*
 * A resolver's view is what it says of the servers of a zone, for people.  A resolver with a
 * local override, or in another network, sends certd to the wrong servers or to none; no other
 * part of an error shows that.
 */

/*
 * "the resolver 192.0.2.53 says NXDOMAIN of example.com", of a lookup of its NS records; NULL:
 * none answered.
 */
char *resolver_said(const struct lookup *ns);

/*
 * Appends the resolver's view (NULL: none) to an error about a zone's servers, and the
 * configuration keys that help.  The error stays as it is where the configuration names the
 * servers already.
 */
void resolver_add_help(
	const struct zones *zones, const char *name, const char *said, struct err *err);

#endif
