/* SPDX-License-Identifier: MIT */
#include "lib/crypt/key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <openssl/pem.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/secret.h"
#include "lib/crypt/ssl.h"

static int key_from_der(const void *der, size_t len, struct key **out, struct err *err)
{
	const unsigned char *p = der;
	EVP_PKEY *pkey;

	/* All forms are a SEQUENCE; for other input OpenSSL would try every decoder it has. */
	if (len == 0 || p[0] != 0x30)
		return err_set(err, ERR_BAD_KEY, "the private key is unreadable");
	pkey = ssl_pkcs8_read(der, len);
	if (pkey) {
		*out = mem_new(struct key);
		(*out)->pkey = pkey;
		return 0;
	}
	ssl_begin();
	pkey = d2i_AutoPrivateKey_ex(NULL, &p, (long)len, NULL, NULL);
	if (!pkey)
		return ssl_fail(err, ERR_BAD_KEY, "the private key is unreadable");
	if (p != (const unsigned char *)der + len) {
		EVP_PKEY_free(pkey);
		return err_set(err, ERR_BAD_KEY, "the private key has bytes behind its end");
	}
	*out = mem_new(struct key);
	(*out)->pkey = pkey;
	return 0;
}

static int key_from_block(const struct pem_block *block, struct key **out, struct err *err)
{
	if (block->is_encrypted || str_is(block->label, "ENCRYPTED PRIVATE KEY"))
		return err_set(
			err, ERR_BAD_KEY, "the private key is encrypted with a password");
	return key_from_der(block->der.data, block->der.len, out, err);
}

int key_read(const void *pem, size_t len, struct key **out, struct err *err)
{
	const char *text = pem;
	struct pem_block block;
	int got;

	if (len > KEY_PEM_MAX)
		return err_set(err, ERR_TOO_LARGE, "the private key is larger than %zu bytes",
			KEY_PEM_MAX);
	if (!pem_is_text(pem, len))
		return key_from_der(pem, len, out, err);
	while ((got = pem_next(&text, &len, &block, err)) > 0) {
		bool is_key = str_ends(block.label, "PRIVATE KEY");

		got = is_key ? key_from_block(&block, out, err) : 0;
		pem_block_done(&block);
		if (is_key)
			return got;
	}
	return got < 0 ? -1 : err_set(err, ERR_BAD_KEY, "there is no private key");
}

int key_write(const struct key *key, struct secret *out, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = ssl_pkcs8_make(key->pkey);
	BIO *bio AUTO_BIO = ssl_secret_sink();
	int ok;

	ssl_begin();
	ok = info ? PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info)
		  : PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (ok != 1)
		return ssl_fail(err, ERR_CRYPTO, "cannot write the private key");
	ssl_take_secret(bio, out);
	return 0;
}

int ssl_key_strength(EVP_PKEY *pkey, struct err *err)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if ((EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS")) &&
		bits < KEY_RSA_MIN)
		return err_set(err, ERR_BAD_KEY,
			"an RSA key of %d bits is too weak; %d are needed", bits, KEY_RSA_MIN);
	if (EVP_PKEY_is_a(pkey, "EC") && bits < KEY_EC_MIN)
		return err_set(err, ERR_BAD_KEY,
			"a curve of %d bits is too weak; %d are needed", bits, KEY_EC_MIN);
	if (!EVP_PKEY_can_sign(pkey) || EVP_PKEY_is_a(pkey, "DSA"))
		return err_set(err, ERR_BAD_KEY,
			"a key of type %s cannot be used in a certificate",
			EVP_PKEY_get0_type_name(pkey));
	return 0;
}

int key_check_strength(const struct key *key, struct err *err)
{
	return ssl_key_strength(key->pkey, err);
}

void key_spki_sha256(const struct key *key, uint8_t out[SHA256_LEN])
{
	X509_PUBKEY *spki = X509_PUBKEY_new();
	unsigned char *der = NULL;
	int len;

	if (!spki)
		mem_exhausted();
	len = ssl_spki_put(key->pkey, spki) ? i2d_X509_PUBKEY(spki, &der)
					    : i2d_PUBKEY(key->pkey, &der);
	X509_PUBKEY_free(spki);
	if (len <= 0)
		mem_exhausted();
	digest_sha256(der, (size_t)len, out);
	OPENSSL_free(der);
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

const char *ssl_key_type(const EVP_PKEY *pkey, char *out, size_t size)
{
	const char *type = pkey ? EVP_PKEY_get0_type_name(pkey) : NULL;
	char curve[KEY_TYPE_LEN] = "unnamed";

	if (!type) {
		snprintf(out, size, "unknown");
	} else if (EVP_PKEY_is_a(pkey, "EC")) {
		ssl_begin();
		EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL);
		ssl_begin();
		snprintf(out, size, "ec:%s", str_is(curve, "prime256v1") ? "secp256r1" : curve);
	} else if (EVP_PKEY_is_a(pkey, "RSA")) {
		snprintf(out, size, "rsa:%d", EVP_PKEY_get_bits(pkey));
	} else {
		snprintf(out, size, "%s", type);
		lower(out);
	}
	return out;
}

const char *key_type_text(const struct key *key, char out[KEY_TYPE_LEN])
{
	return ssl_key_type(key->pkey, out, KEY_TYPE_LEN);
}

struct key *key_share(const struct key *key)
{
	struct key *out = mem_new(struct key);

	EVP_PKEY_up_ref(key->pkey);
	out->pkey = key->pkey;
	return out;
}

void key_free(struct key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

void key_freep(struct key **key)
{
	key_free(*key);
}
