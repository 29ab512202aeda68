/* SPDX-License-Identifier: MIT */
#include "lib/crypt/jws_verify.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"
#include "lib/crypt/ssl.h"

/* The kinds of keys, with the width of a coordinate and of half a signature; 0: not ECDSA. */
static const struct kind {
	const char *algorithm, *kty, *crv, *digest;
	size_t width;
} kinds[] = {
	{ "ES256", "EC", "P-256", "SHA256", 32 },
	{ "ES384", "EC", "P-384", "SHA384", 48 },
	{ "ES512", "EC", "P-521", "SHA512", 66 },
	{ "RS256", "RSA", NULL, "SHA256", 0 },
	{ "EdDSA", "OKP", "Ed25519", NULL, 0 },
};

/* A public key that is being built from its members. */
struct making {
	OSSL_PARAM_BLD *build;
	OSSL_PARAM *params;
	EVP_PKEY_CTX *ctx;
	BIGNUM *n, *e;
};

static void making_done(struct making *m)
{
	OSSL_PARAM_BLD_free(m->build);
	OSSL_PARAM_free(m->params);
	EVP_PKEY_CTX_free(m->ctx);
	BN_free(m->n);
	BN_free(m->e);
}

static void md_ctx_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void sig_freep(ECDSA_SIG **sig)
{
	ECDSA_SIG_free(*sig);
}

static int read_member(const char *text, struct buf *out, struct err *err)
{
	return text ? jws_base64_read(text, strlen(text), out, err)
		    : err_set(err, ERR_BAD_KEY, "a member of the key is missing");
}

static EVP_PKEY *make(struct making *m, const char *type)
{
	EVP_PKEY *pkey = NULL;

	m->params = OSSL_PARAM_BLD_to_param(m->build);
	m->ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (!m->params || !m->ctx || EVP_PKEY_fromdata_init(m->ctx) != 1 ||
		EVP_PKEY_fromdata(m->ctx, &pkey, EVP_PKEY_PUBLIC_KEY, m->params) != 1)
		return NULL;
	return pkey;
}

static EVP_PKEY *make_ec(const struct kind *kind, const struct buf *x, const struct buf *y)
{
	struct making m CLEANUP(making_done) = { .build = OSSL_PARAM_BLD_new() };
	struct buf point AUTO_BUF = BUF_INIT;

	/* The width is fixed (RFC 7518, 6.2.1.2). */
	if (x->len != kind->width || y->len != kind->width)
		return NULL;
	buf_add_char(&point, POINT_CONVERSION_UNCOMPRESSED);
	buf_add(&point, x->data, x->len);
	buf_add(&point, y->data, y->len);
	if (!m.build ||
		OSSL_PARAM_BLD_push_utf8_string(
			m.build, OSSL_PKEY_PARAM_GROUP_NAME, kind->crv, 0) != 1 ||
		OSSL_PARAM_BLD_push_octet_string(
			m.build, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) != 1)
		return NULL;
	return make(&m, "EC");
}

static EVP_PKEY *make_rsa(const struct buf *n, const struct buf *e)
{
	struct making m CLEANUP(making_done) = { .build = OSSL_PARAM_BLD_new() };

	m.n = BN_bin2bn((const unsigned char *)n->data, (int)n->len, NULL);
	m.e = BN_bin2bn((const unsigned char *)e->data, (int)e->len, NULL);
	if (!m.build || OSSL_PARAM_BLD_push_BN(m.build, OSSL_PKEY_PARAM_RSA_N, m.n) != 1 ||
		OSSL_PARAM_BLD_push_BN(m.build, OSSL_PKEY_PARAM_RSA_E, m.e) != 1)
		return NULL;
	return make(&m, "RSA");
}

static EVP_PKEY *make_kind(const struct kind *kind, const struct buf *a, const struct buf *b)
{
	if (kind->width)
		return make_ec(kind, a, b);
	if (!kind->crv)
		return make_rsa(a, b);
	return EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, (const unsigned char *)a->data, a->len);
}

int jws_public_key(const struct jws_members *jwk, struct key **out, struct err *err)
{
	struct buf a AUTO_BUF = BUF_INIT, b AUTO_BUF = BUF_INIT;
	const struct kind *kind = NULL;
	struct key *key AUTO_KEY = NULL;

	for (size_t i = 0; jwk->kty && i < ARRAY_LEN(kinds); i++)
		if (str_is(kinds[i].kty, jwk->kty) &&
			(!kinds[i].crv || (jwk->crv && str_is(kinds[i].crv, jwk->crv))))
			kind = &kinds[i];
	if (!kind)
		return err_set(err, ERR_BAD_KEY, "nothing is known of such keys");
	if (read_member(kind->crv ? jwk->x : jwk->n, &a, err) < 0 ||
		(!str_is(kind->kty, "OKP") &&
			read_member(kind->crv ? jwk->y : jwk->e, &b, err) < 0))
		return -1;
	ssl_begin();
	key = mem_new(struct key);
	key->pkey = make_kind(kind, &a, &b);
	if (!key->pkey)
		return ssl_fail(err, ERR_BAD_KEY, "this is no public key");
	*out = mem_take(&key);
	return 0;
}

/* Converts r||s of fixed width (RFC 7518, 3.4) to DER for OpenSSL. */
static int to_der(const struct kind *kind, struct buf *signature, struct err *err)
{
	const unsigned char *raw = (const unsigned char *)signature->data;
	ECDSA_SIG *sig CLEANUP(sig_freep) = ECDSA_SIG_new();
	unsigned char der[2 * 66 + 16], *end = der;
	int len;

	if (signature->len != 2 * kind->width)
		return err_set(err, ERR_BAD_VALUE, "the signature has %zu octets, not %zu",
			signature->len, 2 * kind->width);
	if (!sig)
		mem_exhausted();
	ECDSA_SIG_set0(sig, BN_bin2bn(raw, (int)kind->width, NULL),
		BN_bin2bn(raw + kind->width, (int)kind->width, NULL));
	len = i2d_ECDSA_SIG(sig, &end);
	if (len <= 0)
		return ssl_fail(err, ERR_BAD_VALUE, "the signature is unreadable");
	buf_clear(signature);
	buf_add(signature, der, (size_t)len);
	return 0;
}

static const struct kind *kind_of(const struct key *key, const char *algorithm)
{
	const char *own = jws_algorithm(key);

	for (size_t i = 0; own && i < ARRAY_LEN(kinds); i++)
		if (str_is(kinds[i].algorithm, own) && str_is(own, algorithm))
			return &kinds[i];
	return NULL;
}

int jws_verify(const struct key *key, const char *algorithm, const char *header,
	const char *payload, const char *signature, struct err *err)
{
	EVP_MD_CTX *ctx CLEANUP(md_ctx_freep) = EVP_MD_CTX_new();
	const struct kind *kind = kind_of(key, algorithm);
	struct buf raw AUTO_BUF = BUF_INIT;
	char *input AUTO_FREE = mem_printf("%s.%s", header, payload);

	if (!ctx)
		mem_exhausted();
	if (!kind)
		return err_set(err, ERR_BAD_KEY, "the key does not sign with %.20s", algorithm);
	if (jws_base64_read(signature, strlen(signature), &raw, err) < 0 ||
		(kind->width && to_der(kind, &raw, err) < 0))
		return -1;
	ssl_begin();
	if (EVP_DigestVerifyInit_ex(ctx, NULL, kind->digest, NULL, NULL, key->pkey, NULL) ==
			1 &&
		EVP_DigestVerify(ctx, (const unsigned char *)raw.data, raw.len,
			(const unsigned char *)input, strlen(input)) == 1)
		return 0;
	return ssl_fail(err, ERR_BAD_VALUE, "the signature is not the key's");
}
