/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_DNS_NAME_H
#define CERTD_LIB_WIRE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Names of DNS: any octets in labels of 1 to 63, 255 octets in wire form (RFC 1035, 3.1).  Those that a
 * certificate can carry are lib/wire/name.h's, and are canonical here too.
 *
 * The canonical form is text that is the same for equal names and is used everywhere: lower case,
 * A-labels, no final dot, "" for the root.  A dot or a sign with a meaning in zone files within a label has
 * a backslash before it, an octet that is no printable ASCII is \DDD (RFC 1035, 5.1).
 */

#define DNS_NAME_LEN 1012 /* of a name of 255 octets when every octet is escaped, and NUL */
#define DNS_NAME_WIRE_MAX 255

/*
 * The canonical form of a text, underscores and all; a label beyond ASCII becomes an A-label.  -1 with
 * ERR_BAD_VALUE: it is no name.  out has DNS_NAME_LEN bytes.
 */
int dns_name_canonical(const char *text, char *out, struct err *err);

/* Is `name` the domain or below it?  Both canonical; everything is below the root "". */
bool dns_name_is_below(const char *name, const char *domain);

/* The name without its first label; "" above a top-level name; NULL above the root.  Points into `name`. */
const char *dns_name_parent(const char *name);

/* The octets of a canonical name with those that end it; 0 when it is none. */
size_t dns_name_pack(const char *name, uint8_t out[DNS_NAME_WIRE_MAX]);

/*
 * Reads the name at *pos of a message, which is moved behind it.  Pointers lead backwards only, as compression
 * makes them, so that none can be followed in a circle (RFC 1035, 4.1.4).  The octets as they stand there, or
 * 0 when there is no name.
 */
size_t dns_name_read(
	const uint8_t *message, size_t len, size_t *pos, uint8_t out[DNS_NAME_WIRE_MAX]);

/* The text of such octets, canonical or in the case that they have. */
void dns_name_unpack(const uint8_t *wire, bool keeps_case, char out[DNS_NAME_LEN]);

#endif
