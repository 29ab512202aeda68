/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/objects.h>

#include "lib/base/mem.h"
#include "lib/crypt/ssl.h"

/*
 * State: `spare` keeps one decoder between calls. A call takes it, or makes one, puts it back at
 * the end, and frees another one that was put back meanwhile.
 *
 * Private keys of curves are written without an encoder. OpenSSL's own functions search a
 * decoder or encoder for each key, which takes ten times as long as the work itself.
 */

struct reader {
	OSSL_DECODER_CTX *ctx;
	EVP_PKEY *pkey; /* where ctx stores its result */
};

/* The unused reader. Several threads read keys. */
static _Atomic(struct reader *) spare;

static void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	OSSL_DECODER_CTX_free(reader->ctx);
	free(reader);
}

static struct reader *reader_take(void)
{
	struct reader *reader = atomic_exchange(&spare, NULL);

	if (reader)
		return reader;
	reader = mem_new(struct reader);
	reader->ctx = OSSL_DECODER_CTX_new_for_pkey(
		&reader->pkey, "DER", "PrivateKeyInfo", NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
	if (!reader->ctx)
		mem_exhausted();
	return reader;
}

EVP_PKEY *ssl_pkcs8_read(const void *der, size_t len)
{
	struct reader *reader = reader_take();
	const unsigned char *p = der;
	EVP_PKEY *pkey;

	ssl_begin();
	if (!OSSL_DECODER_from_data(reader->ctx, &p, &len) || len != 0) {
		EVP_PKEY_free(reader->pkey);
		reader->pkey = NULL;
	}
	ssl_begin();
	pkey = reader->pkey;
	reader->pkey = NULL;
	reader_free(atomic_exchange(&spare, reader));
	return pkey;
}

static void bn_freep(BIGNUM **bn)
{
	BN_clear_free(*bn);
}

/* RFC 5915, 3: ECPrivateKey without the parameters, which the PKCS#8 around it has. */
static unsigned char *ec_private_key(
	const BIGNUM *number, size_t size, const unsigned char *point, size_t len, int *ret_len)
{
	int scalar = ASN1_object_size(0, (int)size, V_ASN1_OCTET_STRING);
	int bits = ASN1_object_size(0, (int)len + 1, V_ASN1_BIT_STRING);
	int all = 3 + scalar + ASN1_object_size(1, bits, 1);
	unsigned char *der, *p;

	*ret_len = ASN1_object_size(1, all, V_ASN1_SEQUENCE);
	der = p = OPENSSL_zalloc((size_t)*ret_len);
	if (!der)
		mem_exhausted();
	ASN1_put_object(&p, 1, all, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	ASN1_put_object(&p, 0, 1, V_ASN1_INTEGER, V_ASN1_UNIVERSAL);
	*p++ = 1;
	ASN1_put_object(&p, 0, (int)size, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL);
	BN_bn2binpad(number, p, (int)size);
	p += size;
	ASN1_put_object(&p, 1, bits, 1, V_ASN1_CONTEXT_SPECIFIC);
	ASN1_put_object(&p, 0, (int)len + 1, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
	*p++ = 0;
	memcpy(p, point, len);
	return der;
}

PKCS8_PRIV_KEY_INFO *ssl_pkcs8_make(const EVP_PKEY *pkey)
{
	int curve = ssl_named_curve(pkey), len;
	BIGNUM *number CLEANUP(bn_freep) = NULL;
	unsigned char *point = NULL, *der;
	PKCS8_PRIV_KEY_INFO *out;
	size_t point_len;

	if (curve == NID_undef ||
		!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number))
		return NULL;
	point_len = EVP_PKEY_get1_encoded_public_key((EVP_PKEY *)(uintptr_t)pkey, &point);
	if (point_len == 0)
		return NULL;
	/* SEC 1, C.4: as many octets as the order of the curve has. */
	der = ec_private_key(
		number, (size_t)(EVP_PKEY_get_bits(pkey) + 7) / 8, point, point_len, &len);
	OPENSSL_free(point);
	out = PKCS8_PRIV_KEY_INFO_new();
	if (!out || !PKCS8_pkey_set0(out, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), 0,
			    V_ASN1_OBJECT, OBJ_nid2obj(curve), der, len))
		mem_exhausted();
	return out;
}
