/* SPDX-License-Identifier: MIT */
#include "lib/crypt/key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/ssl.h"

/* The parts of a specification. */
struct spec {
	enum { SPEC_EC, SPEC_RSA, SPEC_NAMED } kind;
	int curve;        /* SPEC_EC: a NID */
	int64_t bits;     /* SPEC_RSA */
	const char *name; /* SPEC_NAMED */
};

/* The usual specifications, for "did you mean". */
static const char *const common[] = { "ec:secp256r1", "ec:secp384r1", "ec:secp521r1",
	"ec:prime256v1", "ec:P-256", "ec:P-384", "ec:P-521", "ed25519", "ed448", "rsa:2048",
	"rsa:3072", "rsa:4096", NULL };

static int no_such_spec(const char *spec, const char *what, struct err *err)
{
	const char *near = str_near_miss(spec, common);

	return err_set(err, ERR_BAD_VALUE, "%s is not a %s that this OpenSSL can make%s%s%s",
		spec, what, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int curve_of_name(const char *name)
{
	int nid;

	if (strcmp(name, "secp256r1") == 0)
		return NID_X9_62_prime256v1;
	nid = EC_curve_nist2nid(name);
	if (nid == NID_undef)
		nid = OBJ_sn2nid(name);
	return nid;
}

static int curve_check(const char *spec, int nid, struct err *err)
{
	EC_GROUP *group;
	int bits;

	ssl_begin();
	group = nid == NID_undef || nid == NID_sm2 ? NULL : EC_GROUP_new_by_curve_name(nid);
	ssl_begin();
	if (!group)
		return no_such_spec(spec, "curve", err);
	bits = EC_GROUP_order_bits(group);
	EC_GROUP_free(group);
	if (bits < KEY_EC_MIN)
		return err_set(err, ERR_BAD_VALUE,
			"%s has only %d bits; at least %d are needed", spec, bits, KEY_EC_MIN);
	return 0;
}

/*
 * A key management alone is not enough: MACs and key agreements have one too. The type must
 * sign, make keys without parameters, and not be DSA, which no verifier accepts in
 * certificates.
 */
static bool named_type_is_fit(const char *name)
{
	EVP_PKEY_CTX *ctx AUTO_CTX = NULL;
	EVP_SIGNATURE *signature;
	EVP_MAC *mac;
	bool fit, is_pss = strcasecmp(name, "RSA-PSS") == 0; /* signs as "RSA" */

	if (strcasecmp(name, "EC") == 0 || strcasecmp(name, "RSA") == 0 ||
		strcasecmp(name, "DSA") == 0 || strcasecmp(name, "SM2") == 0)
		return false;
	ssl_begin();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
	signature = EVP_SIGNATURE_fetch(NULL, name, NULL);
	mac = EVP_MAC_fetch(NULL, name, NULL);
	fit = ctx && (signature || is_pss) && !mac && EVP_PKEY_keygen_init(ctx) > 0;
	EVP_SIGNATURE_free(signature);
	EVP_MAC_free(mac);
	ssl_begin();
	return fit;
}

static int spec_parse(const char *text, struct spec *out, struct err *err)
{
	*out = (struct spec){ .name = text };
	if (str_starts(text, "ec:")) {
		out->kind = SPEC_EC;
		out->curve = curve_of_name(text + 3);
		return curve_check(text, out->curve, err);
	}
	if (str_starts(text, "rsa:")) {
		out->kind = SPEC_RSA;
		if (!str_to_int(text + 4, KEY_RSA_MIN, KEY_RSA_MAX, &out->bits) ||
			out->bits % 8)
			return err_set(err, ERR_BAD_VALUE,
				"%s needs a number of bits from %d to %d that is a multiple of "
				"8",
				text, KEY_RSA_MIN, KEY_RSA_MAX);
		return 0;
	}
	out->kind = SPEC_NAMED;
	if (strlen(text) >= KEY_TYPE_LEN || !named_type_is_fit(text))
		return no_such_spec(text, "type of key", err);
	return 0;
}

int key_spec_check(const char *spec, struct err *err)
{
	struct spec parsed;

	return spec_parse(spec, &parsed, err);
}

bool key_is_slow(const char *spec)
{
	return !str_starts(spec, "ec:") && strcasecmp(spec, "ed25519") != 0 &&
	       strcasecmp(spec, "ed448") != 0;
}

bool key_spec_equal(const char *a, const char *b)
{
	struct spec x, y;
	struct err err;

	if (spec_parse(a, &x, &err) < 0 || spec_parse(b, &y, &err) < 0 || x.kind != y.kind)
		return false;
	switch (x.kind) {
	case SPEC_EC:
		return x.curve == y.curve;
	case SPEC_RSA:
		return x.bits == y.bits;
	default:
		return strcasecmp(x.name, y.name) == 0;
	}
}

static EVP_PKEY_CTX *spec_begin(const struct spec *spec)
{
	static const char *const names[] = { [SPEC_EC] = "EC", [SPEC_RSA] = "RSA" };
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	const char *name = spec->kind == SPEC_NAMED ? spec->name : names[spec->kind];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
	char curve[KEY_TYPE_LEN];
	size_t bits = (size_t)spec->bits;

	if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0)
		return ctx;
	if (spec->kind == SPEC_EC) {
		snprintf(curve, sizeof(curve), "%s", OBJ_nid2sn(spec->curve));
		params[0] =
			OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
	} else if (spec->kind == SPEC_RSA) {
		params[0] = OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits);
	}
	EVP_PKEY_CTX_set_params(ctx, params);
	return ctx;
}

int key_make(const char *spec, struct key **out, struct err *err)
{
	EVP_PKEY_CTX *ctx AUTO_CTX = NULL;
	EVP_PKEY *pkey = NULL;
	struct spec parsed;

	if (spec_parse(spec, &parsed, err) < 0)
		return -1;
	ssl_begin();
	ctx = spec_begin(&parsed);
	if (!ctx || EVP_PKEY_generate(ctx, &pkey) <= 0)
		return ssl_fail(err, ERR_CRYPTO, "cannot make a key of type %s", spec);
	*out = mem_new(struct key);
	(*out)->pkey = pkey;
	return 0;
}
