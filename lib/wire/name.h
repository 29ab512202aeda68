/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_NAME_H
#define CERTD_LIB_WIRE_NAME_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/*
 * A certificate name has one canonical spelling, so that equal names are equal texts everywhere
 * behind the configuration: the store, CSRs, comparisons, DNS.
 *
 *	DNS name    lower case A-labels (RFC 5891, non-transitional), no final dot, 1 to 63 octets a
 *	            label, 253 in all, letters, digits and inner hyphens; at least one letter in the
 *	            last label, so that no mistyped address becomes a name
 *	wildcard    "*." as the whole first label before a name (RFC 6125, 6.4.3)
 *	IPv4        dotted decimal
 *	IPv6        RFC 5952, without brackets or zone
 *
 * No function asks DNS.
 */

/* The longest canonical name, with its NUL: "*." and 253 octets. */
#define NAME_MAX_LEN 256

/*
 * Writes the canonical form of `text`. 0, or -1 with ERR_BAD_VALUE, whose sentence starts with
 * the quoted text and names the broken rule.
 */
int name_canonical(const char *text, char out[NAME_MAX_LEN], struct err *err);

/* Questions about a canonical name. */
bool name_is_ip(const char *name);
bool name_is_wildcard(const char *name);

/* Writes the octets of an address, 4 or 16, to out; 0 when the name is not an address. */
size_t name_ip_bytes(const char *name, unsigned char out[16]);

#endif
