/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_URL_H
#define CERTD_LIB_WIRE_URL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/*
 * A URL check answers what an ACME client needs: is it https, what is its origin. URLs are not
 * normalised; they are requested byte for byte as given (RFC 8555, 6.4).
 */

#define URL_MAX ((size_t)2048)

/* https, a host, printable ASCII without space, no user, no fragment, at most URL_MAX. */
int url_check(const char *url, struct err *err);

/* Same scheme, host (any case) and port (443 when absent)? */
bool url_same_origin(const char *a, const char *b);

/* The origins at which URLs of one party may be: that of `base`, and those of further URLs. */
struct url_origins {
	const char *base;
	const char *const *more;
	size_t n_more;
};

bool url_is_of(const char *url, const struct url_origins *origins);

/* Is nothing behind host and port, except perhaps one slash? */
bool url_is_origin(const char *url);

/*
 * Appends the target of a reference found in the answer of `base` (RFC 3986, 5.2), unchecked.
 */
void url_resolve(const char *base, const char *reference, struct buf *out);

/* The host of a checked URL, lower case, brackets of IPv6 removed.  Returns out. */
const char *url_host(const char *url, char out[256]);

#endif
