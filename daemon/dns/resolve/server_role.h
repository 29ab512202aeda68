/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_SERVER_ROLE_H
#define CERTD_DAEMON_DNS_RESOLVE_SERVER_ROLE_H

/*
 * A server role says what a name server is to a zone: the primary, another server with
 * authority, or an extra one from the configuration.  A lower value is the stronger role.
 * Pure.
 */

enum server_role { ROLE_PRIMARY, ROLE_AUTHORITATIVE, ROLE_EXTRA };

const char *server_role_text(enum server_role role); /* "primary", "authoritative", "extra" */

#endif
