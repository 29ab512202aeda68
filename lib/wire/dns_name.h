/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_DNS_NAME_H
#define CERTD_LIB_WIRE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * A DNS name has any octets in labels of 1 to 63, 255 octets in wire form (RFC 1035, 3.1). The
 * names that a certificate can carry are those of lib/wire/name.h, and are canonical here too.
 *
 * The canonical form is a text that is the same for equal names and is used everywhere: lower
 * case, A-labels, no final dot, "" for the root. A dot within a label, or a character with a
 * meaning in zone files, has a backslash before it; an octet that is not printable ASCII is
 * \DDD (RFC 1035, 5.1).
 */

#define DNS_NAME_LEN 1012 /* a name of 255 octets with every octet escaped, and NUL */
#define DNS_NAME_WIRE_MAX 255

/*
 * Writes the canonical form of a text, underscores included; labels beyond ASCII become
 * A-labels. -1 with ERR_BAD_VALUE when it is not a name. out has DNS_NAME_LEN bytes.
 */
int dns_name_canonical(const char *text, char *out, struct err *err);

/* Is `name` the domain or below it? Both canonical; every name is below the root "". */
bool dns_name_is_below(const char *name, const char *domain);

/*
 * The name without its first label; "" above a top-level name; NULL above the root. Points into
 * `name`.
 */
const char *dns_name_parent(const char *name);

/* Writes the octets of a canonical name, the root label included; 0 when it is malformed. */
size_t dns_name_pack(const char *name, uint8_t out[DNS_NAME_WIRE_MAX]);

/*
 * Reads the name at *pos of a message and moves *pos behind it. Pointers must lead backwards,
 * as compression makes them, so that none forms a loop (RFC 1035, 4.1.4). Returns the length of
 * the octets, or 0 when there is no name.
 */
size_t dns_name_read(
	const uint8_t *message, size_t len, size_t *pos, uint8_t out[DNS_NAME_WIRE_MAX]);

/* The text of such octets, canonical or in their own case. */
void dns_name_unpack(const uint8_t *wire, bool keeps_case, char out[DNS_NAME_LEN]);

#endif
