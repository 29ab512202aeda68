/* SPDX-License-Identifier: MIT */
#include "tests/unit/crypt_test.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/jws_verify.h"
#include "lib/crypt/secret.h"

/* RFC 7515, A.2. */
static const char rsa_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
	"jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
	"aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
	"juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
	"ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
	"toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
	"VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
	"PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
	"O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
	"kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
	"XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
	"4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
	"pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
	"0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
	"lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
	"kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
	"rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
	"kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
	"5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
	"9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
	"evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
	"yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
	"OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
	"tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
	"ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
	"03k2+ZQwVK0JKSHuLFkuQ3U=\n"
	"-----END PRIVATE KEY-----\n";
/* RFC 7515, A.3. */
static const char ec_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
	"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
	"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
	"-----END PRIVATE KEY-----\n";
/* RFC 8037, A.1. */
static const char ed_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	"-----END PRIVATE KEY-----\n";

#define CLAIMS                                                                                 \
	"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
#define CLAIMS_64                                                                              \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"                     \
	"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

static struct key *read_key(const char *pem)
{
	struct key *key = NULL;
	struct err err;

	REQUIRE(key_read(pem, strlen(pem), &key, &err) == 0);
	return key;
}

/* The value of a member, which is base64url or a plain word. */
static char *member(const char *json, const char *name)
{
	char *key AUTO_FREE = mem_printf("\"%s\":\"", name);
	const char *at = strstr(json, key);

	REQUIRE(at);
	at += strlen(key);
	return mem_strndup(at, strcspn(at, "\""));
}

static void decode(const char *text, struct buf *out)
{
	struct err err;

	CHECK_INT(jws_base64_read(text, strlen(text), out, &err), 0);
}

/* RFC 4648, 10. */
TEST(base64_vectors)
{
	static const struct {
		const char *plain, *padded;
	} rows[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "-__-" }, { "\xfb\xff\xfe", "+//+" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text AUTO_BUF = BUF_INIT, back AUTO_BUF = BUF_INIT;

		decode(rows[i].padded, &back);
		CHECK_STR(buf_text(&back), rows[i].plain);
		jws_base64url(&text, rows[i].plain, strlen(rows[i].plain));
		CHECK(!strpbrk(buf_text(&text), "=+/"));
		buf_clear(&back);
		decode(buf_text(&text), &back);
		CHECK_STR(buf_text(&back), rows[i].plain);
	}
}

TEST(base64_refuses)
{
	static const char *const rows[] = { "Z", "Zg=", "Zg===", "Zm8==", "=",
		"==", "====", "Zm9v=", "Zm9v Zg", "Zm9v\n", "Zh", "Zm9", "Zm9vY.", "\xc3\xa4",
		"Z=g=" };
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err;
	char *large AUTO_FREE = mem_zalloc(65537);

	buf_add_text(&out, "before");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (jws_base64_read(rows[i], strlen(rows[i]), &out, &err) == 0)
			TEST_FAIL("\"%s\" was read", rows[i]);
		CHECK_STR(buf_text(&out), "before");
	}
	memset(large, 'A', 65537);
	CHECK_INT(jws_base64_read(large, 65537, &out, &err), -1);
	CHECK_INT(err.code, ERR_TOO_LARGE);
	CHECK_INT(jws_base64_read("A\0AA", 4, &out, &err), -1);
}

TEST(base64_reads_what_it_writes)
{
	for (size_t len = 0; len < 200; len++) {
		struct buf text AUTO_BUF = BUF_INIT, back AUTO_BUF = BUF_INIT;
		char data[200];

		rand_bytes(data, sizeof(data));
		jws_base64url(&text, data, len);
		decode(buf_text(&text), &back);
		REQUIRE(back.len == len && (len == 0 || memcmp(back.data, data, len) == 0));
	}
}

/* The text of a member; there are no escapes. */
static char *member_of(const char *json, const char *name)
{
	char *key AUTO_FREE = mem_printf("\"%s\":\"", name);
	const char *at = strstr(json, key);

	return at ? mem_strndup(at + strlen(key), strcspn(at + strlen(key), "\"")) : NULL;
}

/* The public half of a key, as its JWK tells it. */
static struct key *public_of(const struct key *key)
{
	struct buf jwk AUTO_BUF = BUF_INIT;
	struct key *out = NULL;
	struct err err;

	REQUIRE(jws_jwk(key, &jwk, &err) == 0);
	char *kty AUTO_FREE = member_of(jwk.data, "kty"),
		  *crv AUTO_FREE = member_of(jwk.data, "crv");
	char *x AUTO_FREE = member_of(jwk.data, "x"), *y AUTO_FREE = member_of(jwk.data, "y");
	char *n AUTO_FREE = member_of(jwk.data, "n"), *e AUTO_FREE = member_of(jwk.data, "e");
	REQUIRE(jws_public_key(&(struct jws_members){ kty, crv, x, y, n, e }, &out, &err) == 0);
	return out;
}

TEST(a_signature_verifies_and_no_other_does)
{
	static const char *const specs[] = { "ec:P-256", "ec:P-384", "ec:P-521", "rsa:2048",
		"ed25519" };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct key *key AUTO_KEY = NULL, *stranger AUTO_KEY = NULL;
		struct buf out AUTO_BUF = BUF_INIT;

		REQUIRE(key_make(specs[i], &key, &err) == 0);
		REQUIRE(key_make(specs[i], &stranger, &err) == 0);
		REQUIRE(jws_sign(key, "{}", CLAIMS, &out, &err) == 0);
		struct key *public AUTO_KEY = public_of(key),
				   *other AUTO_KEY = public_of(stranger);
		char *header AUTO_FREE = member_of(out.data, "protected");
		char *payload AUTO_FREE = member_of(out.data, "payload");
		char *signature AUTO_FREE = member_of(out.data, "signature");
		const char *algorithm = jws_algorithm(key);
#define VERIFY(key, algorithm, payload)                                                        \
	jws_verify(key, algorithm, header, payload, signature, &err)
		CHECK_INT(VERIFY(public, algorithm, payload), 0);
		CHECK_INT(VERIFY(other, algorithm, payload), -1);
		CHECK_INT(VERIFY(public, "HS256", payload), -1);
		CHECK_INT(VERIFY(public, algorithm, ""), -1);
		signature[20] = signature[20] == 'A' ? 'B' : 'A';
		CHECK_INT(VERIFY(public, algorithm, payload), -1);
		signature[20] = 0;
		CHECK_INT(VERIFY(public, algorithm, payload), -1);
#undef VERIFY
	}
	CHECK_INT(jws_public_key(
			  &(struct jws_members){
				  .kty = "EC", .crv = "P-256", .x = "AA", .y = "AA" },
			  &(struct key *){ NULL }, &err),
		-1);
	CHECK_INT(jws_public_key(
			  &(struct jws_members){ .kty = "RSA" }, &(struct key *){ NULL }, &err),
		-1);
	CHECK_INT(jws_public_key(
			  &(struct jws_members){ .kty = "oct" }, &(struct key *){ NULL }, &err),
		-1);
}

TEST(macs)
{
	/* The key and the claims of RFC 7515, A.1; the values are those of another implementation. */
	static const struct {
		const char *algorithm, *header, *protected, *signature;
		size_t least;
	} rows[] = {
		{ "HS256", "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
			"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
			"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", 32 },
		{ "HS384", "{\"alg\":\"HS384\"}", "eyJhbGciOiJIUzM4NCJ9",
			"oXDrZsBTd6_RlkXLUTQJ0DSfHx5raR4Pq5jlRHf5v0WTm-zt8xcsCvXagNl0J4eM",
			48 },
		{ "HS512", "{\"alg\":\"HS512\"}", "eyJhbGciOiJIUzUxMiJ9",
			"CyfHecbVPqPzB3zBwYd3rgVBi2Dgg-eAeX7JT8B85QbKLwSXyll8WKGdehse606sz"
			"f9G3i-jr24QGkEtMAGSpg",
			64 },
	};
	struct buf raw AUTO_BUF = BUF_INIT;
	struct err err;

	decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
	       "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9"
	       "CAow",
		&raw);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct secret key AUTO_SECRET = SECRET_INIT, less AUTO_SECRET = SECRET_INIT,
				  least AUTO_SECRET = SECRET_INIT;
		struct buf out AUTO_BUF = BUF_INIT;
		char *want AUTO_FREE =
			mem_printf("{\"protected\":\"%s\",\"payload\":\"" CLAIMS_64
				   "\",\"signature\":\"%s\"}",
				rows[i].protected, rows[i].signature);

		secret_add(&key, raw.data, raw.len);
		secret_add(&less, raw.data, rows[i].least - 1);
		secret_add(&least, raw.data, rows[i].least);
		CHECK_STR(jws_macs[i], rows[i].algorithm);
		REQUIRE(jws_mac(&key, rows[i].algorithm, rows[i].header, CLAIMS, &out, &err) ==
			0);
		CHECK_STR(buf_text(&out), want);
		CHECK_INT(jws_mac(&least, rows[i].algorithm, "{}", "{}", &out, &err), 0);
		CHECK_INT(jws_mac(&less, rows[i].algorithm, "{}", "{}", &out, &err), -1);
		CHECK_INT(err.code, ERR_BAD_KEY);
	}
	CHECK(!jws_macs[ARRAY_LEN(rows)]);
}

TEST(macs_refused)
{
	struct secret key AUTO_SECRET = SECRET_INIT;
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err;

	secret_add(&key, CLAIMS, strlen(CLAIMS));
	CHECK_INT(jws_mac(&key, "HS1", "{}", "{}", &out, &err), -1);
	CHECK_INT(err.code, ERR_BAD_KEY);
	secret_done(&key);
	CHECK_INT(jws_mac(&key, "HS256", "{}", "{}", &out, &err), -1);
	CHECK_INT(err.code, ERR_BAD_KEY);
	CHECK_STR(err.text, "the key for HS256 has 0 octets and needs at least 32");
	CHECK_INT((int)out.len, 0);
}

TEST(rs256_of_rfc_7515)
{
	struct key *key AUTO_KEY = read_key(rsa_pem);
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err;

	CHECK_STR(jws_algorithm(key), "RS256");
	CHECK_INT(jws_sign(key, "{\"alg\":\"RS256\"}", CLAIMS, &out, &err), 0);
	CHECK_STR(buf_text(&out),
		"{\"protected\":\"eyJhbGciOiJSUzI1NiJ9\",\"payload\":\"" CLAIMS_64 "\","
		"\"signature\":\"cC4hiUPoj9Eetdgtv3hF80EGrhuB__"
		"dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
		"AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
		"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
		"0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
		"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
		"p0igcN_IoypGlUPQGe77Rw\"}");
}

TEST(eddsa_of_rfc_8037)
{
	struct key *key AUTO_KEY = read_key(ed_pem);
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err;

	CHECK_STR(jws_algorithm(key), "EdDSA");
	CHECK_INT(jws_jwk(key, &out, &err), 0);
	CHECK_STR(buf_text(&out), "{\"crv\":\"Ed25519\",\"kty\":\"OKP\","
				  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");
	buf_clear(&out);
	CHECK_INT(jws_thumbprint(key, &out, &err), 0);
	CHECK_STR(buf_text(&out), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	buf_clear(&out);
	CHECK_INT(
		jws_sign(key, "{\"alg\":\"EdDSA\"}", "Example of Ed25519 signing", &out, &err),
		0);
	CHECK_STR(buf_text(&out), "{\"protected\":\"eyJhbGciOiJFZERTQSJ9\","
				  "\"payload\":\"RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc\","
				  "\"signature\":\"hgyY0il_MGCjP0JzlnLWG1PPOt7-"
				  "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5"
				  "BhVsPt9g7sVvpAr_MuM0KAg\"}");
}

TEST(jwk_of_ec_and_rsa)
{
	struct key *ec AUTO_KEY = read_key(ec_pem), *rsa AUTO_KEY = read_key(rsa_pem);
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err;

	CHECK_INT(jws_jwk(ec, &out, &err), 0);
	CHECK_STR(buf_text(&out), "{\"crv\":\"P-256\",\"kty\":\"EC\","
				  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
	buf_clear(&out);
	CHECK_INT(jws_jwk(rsa, &out, &err), 0);
	CHECK(str_starts(buf_text(&out), "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"ofgWCuLj"));
	CHECK(str_ends(buf_text(&out), "4FRWyuXpoQ\"}"));
}

TEST(empty_payload_and_foreign_keys)
{
	struct key *ec AUTO_KEY = read_key(ec_pem), *ed448 AUTO_KEY = make_key("ed448"),
		       *odd AUTO_KEY = make_key("ec:brainpoolP256r1");
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err;

	CHECK_INT(jws_sign(ec, "{}", NULL, &out, &err), 0);
	CHECK(strstr(buf_text(&out), "\"payload\":\"\""));
	buf_clear(&out);
	CHECK(!jws_algorithm(ed448) && !jws_algorithm(odd));
	CHECK_INT(jws_sign(ed448, "{}", "{}", &out, &err), -1);
	CHECK_INT(jws_jwk(odd, &out, &err), -1);
	CHECK_INT(err.code, ERR_BAD_KEY);
	CHECK_INT(out.len, 0);
}

/* The public key as somebody else makes it from the JWK. */
static EVP_PKEY *key_of_jwk(const char *jwk, const char *group, size_t width)
{
	char *x AUTO_FREE = member(jwk, "x"), *y AUTO_FREE = member(jwk, "y");
	struct buf point AUTO_BUF = BUF_INIT;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	buf_add_char(&point, 4);
	decode(x, &point);
	REQUIRE(point.len == 1 + width);
	decode(y, &point);
	REQUIRE(point.len == 1 + 2 * width);
	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len);
	params = OSSL_PARAM_BLD_to_param(build);
	REQUIRE(EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Returns whether r or s began with a zero octet: what DER would have stripped. */
static bool verify(const char *jws, EVP_PKEY *key, const char *digest, size_t width)
{
	char *protected AUTO_FREE = member(jws, "protected"),
			*payload AUTO_FREE = member(jws, "payload"),
			*signature AUTO_FREE = member(jws, "signature"),
			*input AUTO_FREE = mem_printf("%s.%s", protected, payload);
	struct buf raw AUTO_BUF = BUF_INIT;
	const unsigned char *pair;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int len;

	decode(signature, &raw);
	REQUIRE(raw.len == 2 * width);
	pair = (const unsigned char *)raw.data;
	ECDSA_SIG_set0(sig, BN_bin2bn(pair, (int)width, NULL),
		BN_bin2bn(pair + width, (int)width, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	REQUIRE(len > 0 &&
		EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1);
	REQUIRE(EVP_DigestVerify(ctx, der, (size_t)len, (const unsigned char *)input,
			strlen(input)) == 1);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return pair[0] == 0 || pair[width] == 0;
}

static void sign_and_verify(
	const char *spec, const char *group, const char *digest, size_t width, int n)
{
	int n_short = 0;

	for (int i = 0; i < n; i++) {
		struct key *key AUTO_KEY = make_key(spec);
		struct buf jwk AUTO_BUF = BUF_INIT, jws AUTO_BUF = BUF_INIT;
		EVP_PKEY *other;
		struct err err;

		REQUIRE(jws_jwk(key, &jwk, &err) == 0);
		REQUIRE(jws_sign(key, "{\"alg\":\"x\"}", "{\"n\":1}", &jws, &err) == 0);
		other = key_of_jwk(buf_text(&jwk), group, width);
		n_short += verify(buf_text(&jws), other, digest, width);
		EVP_PKEY_free(other);
	}
	printf("# %s: %d of %d signatures had a short half\n", spec, n_short, n);
}

TEST(every_signature_verifies)
{
	/* One in 128 has a leading zero octet in r or s, as many have one in x or y. */
	sign_and_verify("ec:secp256r1", "P-256", "SHA256", 32, 600);
	sign_and_verify("ec:secp384r1", "P-384", "SHA384", 48, 60);
	sign_and_verify("ec:secp521r1", "P-521", "SHA512", 66, 60);
}
