/* SPDX-License-Identifier: MIT */
#include "lib/crypt/mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/crypt/secret.h"
#include "lib/crypt/ssl.h"

int mac_make(const struct secret *key, const char *digest, const void *data, size_t len,
	uint8_t out[MAC_LEN_MAX], size_t *ret_len, struct err *err)
{
	if (key->len == 0)
		return err_set(err, ERR_BAD_KEY, "the key of a MAC is empty");
	ssl_begin();
	if (!EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key->data, key->len, data, len, out,
		    MAC_LEN_MAX, ret_len))
		return ssl_fail(err, ERR_CRYPTO, "cannot compute the MAC");
	return 0;
}

bool mac_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
