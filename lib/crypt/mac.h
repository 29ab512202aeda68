/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_MAC_H
#define CERTD_LIB_CRYPT_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct secret;

/*
 * A MAC is an HMAC (RFC 2104) for JWS or TSIG. The caller decides which keys are acceptable,
 * except that a key must not be empty. No state is kept.
 */

#define MAC_LEN_MAX 64

/* `digest` is OpenSSL's name of a digest of at most MAC_LEN_MAX octets: "SHA256". */
int mac_make(const struct secret *key, const char *digest, const void *data, size_t len,
	uint8_t out[MAC_LEN_MAX], size_t *ret_len, struct err *err);

/* Compares in constant time. */
bool mac_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif
