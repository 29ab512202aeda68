/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DH_H
#define CERTD_LIB_CRYPT_DH_H

#include <stdbool.h>

struct buf;
struct err;

/*
 * Diffie-Hellman parameters as PEM "DH PARAMETERS": the groups of RFC 7919 by name ("ffdhe4096"),
 * or fresh safe primes by their size in bits, generator 2.  Fresh ones take minutes, so this is
 * never called from a loop.
 */

#define DH_BITS_MIN 2048
#define DH_BITS_MAX 16384

/* Is `group` one of RFC 7919, or a size within the bounds? */
int dh_check(const char *group, struct err *err);
bool dh_is_named(const char *group);

/* Appends the PEM text. */
int dh_make(const char *group, struct buf *out, struct err *err);

#endif
