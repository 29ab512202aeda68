/* SPDX-License-Identifier: MIT */
#include "lib/crypt/digest.h"

#include <openssl/objects.h>
#include <openssl/sha.h>

#include "lib/crypt/ssl.h"

/* With fewer octets an attacker can find a collision (SP 800-57, 112 bits). */
#define DIGEST_LEN_MIN 28

void digest_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
	SHA256(data, len, out);
}

/* The digest must have a signature algorithm for both families of keys. */
static bool digest_signs(const EVP_MD *md)
{
	int nid = EVP_MD_get_type(md), signature;

	return OBJ_find_sigid_by_algs(&signature, nid, NID_rsaEncryption) &&
	       OBJ_find_sigid_by_algs(&signature, nid, NID_X9_62_id_ecPublicKey);
}

int digest_check(const char *name, struct err *err)
{
	EVP_MD *md AUTO_MD = NULL;

	ssl_begin();
	md = EVP_MD_fetch(NULL, name, NULL);
	if (!md) {
		ssl_begin();
		return err_set(
			err, ERR_BAD_VALUE, "%s is not a digest that this OpenSSL has", name);
	}
	if (EVP_MD_get_size(md) < DIGEST_LEN_MIN)
		return err_set(
			err, ERR_BAD_VALUE, "digest %s is too weak to sign certificates", name);
	if ((EVP_MD_get_flags(md) & EVP_MD_FLAG_XOF) || !digest_signs(md))
		return err_set(err, ERR_BAD_VALUE, "digest %s cannot sign certificates", name);
	return 0;
}
