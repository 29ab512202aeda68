/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DIGEST_H
#define CERTD_LIB_CRYPT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * A digest is SHA-256 for fingerprints, or one that the configuration names. These functions
 * keep no state.
 */

#define SHA256_LEN 32

void digest_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN]);

/*
 * Is this the name of a digest that the installed OpenSSL has and that may sign certificates
 * ("sha256", "sha384", "sha512", "sha3-256", ...)? Digests below 224 bits are refused.
 */
int digest_check(const char *name, struct err *err);

#endif
