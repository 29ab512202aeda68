/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DH_H
#define CERTD_LIB_CRYPT_DH_H

#include <stdbool.h>

struct buf;
struct err;

/*
 * The Diffie-Hellman parameters are PEM "DH PARAMETERS": a group of RFC 7919 by name
 * ("ffdhe4096"), or a fresh safe prime by its size in bits, generator 2. Fresh ones take
 * minutes, so no loop may make them.
 */

#define DH_BITS_MIN 2048
#define DH_BITS_MAX 16384

/* Is `group` one of RFC 7919, or a size within the bounds? */
int dh_check(const char *group, struct err *err);
bool dh_is_named(const char *group);

/* Appends the PEM text. */
int dh_make(const char *group, struct buf *out, struct err *err);

#endif
