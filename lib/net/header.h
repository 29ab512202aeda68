/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_HEADER_H
#define CERTD_LIB_NET_HEADER_H

#include <stdbool.h>

#include "lib/base/instant.h"

struct buf;

/*
 * An HTTP header parser reads single values with bounds. It allocates only for results, and
 * treats malformed values as absent, so no header makes a request fail.
 */

/*
 * Retry-After (RFC 9110, 10.2.3): seconds or a date in any of the three forms of RFC 9110,
 * 5.6.7. INSTANT_NONE when absent or malformed; never before `now`, never more than
 * HEADER_RETRY_MAX later.
 */
#define HEADER_RETRY_MAX DAYS(366)
struct instant header_retry_after(const char *value, struct instant now);

/* The Date header of an answer, or INSTANT_NONE. */
struct instant header_date(const char *value);

/*
 * The target of the n-th link of this relation in one Link value (RFC 8288: several links a value,
 * several relations a link, quoted or not, any case, further parameters), resolved against `base`
 * (RFC 3986, 5.2), appended to *out.  False when there are fewer.
 */
bool header_link(
	const char *value, const char *relation, unsigned n, const char *base, struct buf *out);

/* Is the media type of a Content-Type value this one, whatever its parameters? */
bool header_type_is(const char *value, const char *type);

#endif
