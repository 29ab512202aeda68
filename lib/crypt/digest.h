/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DIGEST_H
#define CERTD_LIB_CRYPT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Hashes: SHA-256 for fingerprints, and the check of a digest's name for the configuration.
 * Nothing here keeps state.
 */

#define SHA256_LEN 32

void digest_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN]);

/*
 * Is this the name of a digest that the installed OpenSSL has and that may sign certificates
 * ("sha256", "sha384", "sha512", "sha3-256", ...)?  Anything weaker than 224 bits is refused.
 */
int digest_check(const char *name, struct err *err);

#endif
