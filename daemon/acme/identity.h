/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_IDENTITY_H
#define CERTD_DAEMON_ACME_IDENTITY_H

#include <stddef.h>

struct cert_conf;

/*
 * An identity is what a CA's limits count: a set of names, and the registered domains of those
 * names.
 *
 * The identity of a set is a hash of its names, sorted and without doubles, so it is the same
 * in whatever order they are configured, whatever the certificate is called, and after it was
 * removed and made again.  There is no list of public suffixes: the registered domain of a name
 * is the apex of the certificate's group when the name lies below that, else its last two
 * labels; of an IPv4 address the address itself, of an IPv6 address its /64.  Pure.
 */

#define IDENTITY_LEN 33 /* hexadecimal, with a NUL */

/* The names must be in canonical form, as the configuration has them. */
const char *identity_of(char *const *names, size_t n, char out[IDENTITY_LEN]);

#define IDENTITY_DOMAIN_LEN 256

/* `apex` may be NULL.  Returns out. */
const char *identity_domain(const char *name, const char *apex, char out[IDENTITY_DOMAIN_LEN]);

#endif
