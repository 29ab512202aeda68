/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_MAC_H
#define CERTD_LIB_CRYPT_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct secret;

/*
 * HMAC (RFC 2104), for JWS and for TSIG.  What is accepted as a key, beside that it is not empty, is the
 * caller's to say; nothing here keeps state.
 */

#define MAC_LEN_MAX 64

/* `digest` is OpenSSL's name of one of at most MAC_LEN_MAX octets: "SHA256". */
int mac_make(const struct secret *key, const char *digest, const void *data, size_t len,
	uint8_t out[MAC_LEN_MAX], size_t *ret_len, struct err *err);

/* Takes the same time wherever they differ. */
bool mac_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif
