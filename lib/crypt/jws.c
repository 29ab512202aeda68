/* SPDX-License-Identifier: MIT */
#include "lib/crypt/jws.h"

#include <string.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/key.h"
#include "lib/crypt/mac.h"
#include "lib/crypt/secret.h"
#include "lib/crypt/ssl.h"

#define TEXT_MAX ((size_t)64 * 1024)

/* The key types with names in RFC 7518 and RFC 8037. */
static const struct kind {
	const char *type; /* prefix of key_type_text() */
	const char *algorithm;
	const char *digest; /* NULL: the key type's own */
	const char *curve;  /* NULL: RSA */
	int width;          /* octets of a coordinate and of half a signature; 0: not ECDSA */
} kinds[] = {
	{ "ec:secp256r1", "ES256", "SHA256", "P-256", 32 },
	{ "ec:secp384r1", "ES384", "SHA384", "P-384", 48 },
	{ "ec:secp521r1", "ES512", "SHA512", "P-521", 66 },
	{ "rsa:", "RS256", "SHA256", NULL, 0 },
	{ "ed25519", "EdDSA", NULL, "Ed25519", 0 },
};

const char *const jws_macs[] = { "HS256", "HS384", "HS512", NULL };

/* In the order of jws_macs. */
static const struct {
	const char *digest;
	size_t len; /* of its value, and the minimum of a key */
} macs[] = { { "SHA256", 32 }, { "SHA384", 48 }, { "SHA512", 64 } };

static void bn_freep(BIGNUM **bn)
{
	BN_free(*bn);
}
#define AUTO_BN CLEANUP(bn_freep)

static void md_ctx_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void sig_freep(ECDSA_SIG **sig)
{
	ECDSA_SIG_free(*sig);
}

void jws_base64url(struct buf *out, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(n > 2 ? p[i + 2] : 0);

		for (size_t k = 0; k <= n; k++)
			buf_add_char(out, digits[bits >> (18 - 6 * k) & 63]);
	}
}

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' || c == '+' ? 62 : c == '_' || c == '/' ? 63 : -1;
}

static int bad_base64(struct err *err)
{
	return err_set(err, ERR_BAD_VALUE, "it is not base64");
}

int jws_base64_read(const char *text, size_t len, struct buf *out, struct err *err)
{
	size_t n = len, n_read = 0, begin = out->len;
	uint32_t bits = 0;
	unsigned n_bits = 0;

	if (len > TEXT_MAX)
		return err_set(err, ERR_TOO_LARGE, "it has more than %zu characters", TEXT_MAX);
	while (n > 0 && text[n - 1] == '=' && len - n < 2)
		n--;
	if (n % 4 == 1 || (n < len && len % 4 != 0))
		return bad_base64(err);
	/* Reserved at once, so that growing leaves no copy of a secret behind. */
	buf_reserve(out, n);
	for (size_t i = 0; i < n; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0)
			break;
		bits = (bits << 6 | (uint32_t)digit) & 0xffff;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			buf_add_char(out, (char)(bits >> n_bits & 0xff));
		}
		n_read++;
	}
	if (n_read == n && (bits & ((1U << n_bits) - 1)) == 0)
		return 0;
	out->len = begin;
	out->data[begin] = 0;
	return bad_base64(err);
}

static const struct kind *kind_of(const struct key *key)
{
	char type[KEY_TYPE_LEN];

	key_type_text(key, type);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].width || !str_ends(kinds[i].type, ":")
				? str_is(type, kinds[i].type)
				: str_starts(type, kinds[i].type))
			return &kinds[i];
	return NULL;
}

const char *jws_algorithm(const struct key *key)
{
	const struct kind *kind = kind_of(key);

	return kind ? kind->algorithm : NULL;
}

static int want_kind(const struct key *key, const struct kind **out, struct err *err)
{
	char type[KEY_TYPE_LEN];

	*out = kind_of(key);
	if (*out)
		return 0;
	return err_set(err, ERR_BAD_KEY, "a key of type %s cannot sign for ACME",
		key_type_text(key, type));
}

/* Appends a number in `width` octets; 0: as few as it needs. */
static int add_number(
	const struct key *key, const char *param, int width, struct buf *out, struct err *err)
{
	BIGNUM *bn AUTO_BN = NULL;
	uint8_t *bytes AUTO_FREE = NULL;
	int len;

	ssl_begin();
	if (EVP_PKEY_get_bn_param(key->pkey, param, &bn) != 1)
		return ssl_fail(err, ERR_CRYPTO, "cannot read the public key");
	len = width ? width : BN_num_bytes(bn);
	bytes = mem_zalloc((size_t)len);
	if (BN_bn2binpad(bn, bytes, len) != len)
		return ssl_fail(err, ERR_CRYPTO, "cannot read the public key");
	jws_base64url(out, bytes, (size_t)len);
	return 0;
}

static int add_point(
	const struct key *key, const struct kind *kind, struct buf *out, struct err *err)
{
	uint8_t raw[32];
	size_t len = sizeof(raw);

	buf_printf(out, "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"", kind->curve,
		kind->width ? "EC" : "OKP");
	if (kind->width) {
		if (add_number(key, OSSL_PKEY_PARAM_EC_PUB_X, kind->width, out, err) < 0)
			return -1;
		buf_add_text(out, "\",\"y\":\"");
		if (add_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, kind->width, out, err) < 0)
			return -1;
	} else {
		ssl_begin();
		if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) != 1)
			return ssl_fail(err, ERR_CRYPTO, "cannot read the public key");
		jws_base64url(out, raw, len);
	}
	buf_add_text(out, "\"}");
	return 0;
}

static int add_rsa(const struct key *key, struct buf *out, struct err *err)
{
	buf_add_text(out, "{\"e\":\"");
	if (add_number(key, OSSL_PKEY_PARAM_RSA_E, 0, out, err) < 0)
		return -1;
	buf_add_text(out, "\",\"kty\":\"RSA\",\"n\":\"");
	if (add_number(key, OSSL_PKEY_PARAM_RSA_N, 0, out, err) < 0)
		return -1;
	buf_add_text(out, "\"}");
	return 0;
}

int jws_jwk(const struct key *key, struct buf *out, struct err *err)
{
	struct buf text AUTO_BUF = BUF_INIT;
	const struct kind *kind;

	if (want_kind(key, &kind, err) < 0 ||
		(kind->curve ? add_point(key, kind, &text, err) : add_rsa(key, &text, err)) < 0)
		return -1;
	buf_add(out, text.data, text.len);
	return 0;
}

int jws_thumbprint(const struct key *key, struct buf *out, struct err *err)
{
	struct buf jwk AUTO_BUF = BUF_INIT;
	uint8_t hash[SHA256_LEN];

	if (jws_jwk(key, &jwk, err) < 0)
		return -1;
	digest_sha256(jwk.data, jwk.len, hash);
	jws_base64url(out, hash, sizeof(hash));
	return 0;
}

/* Signs as OpenSSL does: DER for ECDSA. */
static int sign_raw(const struct key *key, const struct kind *kind, const struct buf *input,
	struct buf *out, struct err *err)
{
	EVP_MD_CTX *ctx CLEANUP(md_ctx_freep) = EVP_MD_CTX_new();
	const unsigned char *data = (const unsigned char *)input->data;
	size_t len = 0;

	if (!ctx)
		mem_exhausted();
	ssl_begin();
	if (EVP_DigestSignInit_ex(ctx, NULL, kind->digest, NULL, NULL, key->pkey, NULL) != 1 ||
		EVP_DigestSign(ctx, NULL, &len, data, input->len) != 1)
		return ssl_fail(err, ERR_CRYPTO, "cannot sign the request");
	if (EVP_DigestSign(
		    ctx, (unsigned char *)buf_reserve(out, len), &len, data, input->len) != 1)
		return ssl_fail(err, ERR_CRYPTO, "cannot sign the request");
	out->len += len;
	return 0;
}

/* DER strips leading zeros; JOSE needs r and s in the curve's width (RFC 7518, 3.4). */
static int add_ecdsa(
	const struct buf *der, const struct kind *kind, struct buf *out, struct err *err)
{
	const unsigned char *p = (const unsigned char *)der->data;
	ECDSA_SIG *sig CLEANUP(sig_freep) = NULL;
	uint8_t pair[2 * 66];

	ssl_begin();
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der->len);
	if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), pair, kind->width) != kind->width ||
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), pair + kind->width, kind->width) !=
			kind->width)
		return ssl_fail(err, ERR_CRYPTO, "cannot write the signature");
	jws_base64url(out, pair, 2 * (size_t)kind->width);
	return 0;
}

static int add_signature(
	const struct key *key, const struct buf *input, struct buf *out, struct err *err)
{
	struct buf raw AUTO_BUF = BUF_INIT;
	const struct kind *kind;

	if (want_kind(key, &kind, err) < 0 || sign_raw(key, kind, input, &raw, err) < 0)
		return -1;
	if (kind->width)
		return add_ecdsa(&raw, kind, out, err);
	jws_base64url(out, raw.data, raw.len);
	return 0;
}

/* The signing input, "HEADER.PAYLOAD"; *ret_payload is the index of the payload. */
static void add_input(
	const char *header, const char *payload, struct buf *input, size_t *ret_payload)
{
	jws_base64url(input, header, strlen(header));
	buf_add_char(input, '.');
	*ret_payload = input->len;
	if (payload)
		jws_base64url(input, payload, strlen(payload));
}

static void add_whole(
	const struct buf *input, size_t payload, const struct buf *signature, struct buf *out)
{
	buf_add_text(out, "{\"protected\":\"");
	buf_add(out, input->data, payload - 1);
	buf_printf(out, "\",\"payload\":\"%s\",\"signature\":\"%s\"}", input->data + payload,
		buf_text(signature));
}

int jws_sign(const struct key *key, const char *header, const char *payload, struct buf *out,
	struct err *err)
{
	struct buf input AUTO_BUF = BUF_INIT, signature AUTO_BUF = BUF_INIT;
	size_t at;

	add_input(header, payload, &input, &at);
	if (add_signature(key, &input, &signature, err) < 0)
		return -1;
	add_whole(&input, at, &signature, out);
	return 0;
}

int jws_mac(const struct secret *key, const char *algorithm, const char *header,
	const char *payload, struct buf *out, struct err *err)
{
	struct buf input AUTO_BUF = BUF_INIT, signature AUTO_BUF = BUF_INIT;
	uint8_t mac[MAC_LEN_MAX];
	size_t at, len, i = 0;

	while (jws_macs[i] && !str_is(jws_macs[i], algorithm))
		i++;
	if (!jws_macs[i])
		return err_set(err, ERR_BAD_KEY, "there is no such MAC for ACME");
	if (key->len < macs[i].len)
		return err_set(err, ERR_BAD_KEY,
			"the key for %s has %zu octets and needs at least %zu", algorithm,
			key->len, macs[i].len);
	add_input(header, payload, &input, &at);
	if (mac_make(key, macs[i].digest, input.data, input.len, mac, &len, err) < 0)
		return -1;
	jws_base64url(&signature, mac, len);
	add_whole(&input, at, &signature, out);
	return 0;
}
