/* SPDX-License-Identifier: MIT */
#include "tests/unit/crypt_test.h"

#include <openssl/pem.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/crypt/der_peek.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/secret.h"
#include "lib/crypt/ssl.h"

/* What lib/crypt does itself, beside what OpenSSL makes of the same. */

static const char *const specs[] = { "ec:P-256", "ec:secp384r1", "ec:secp521r1", "ec:secp224r1",
	"ec:secp256k1", "ec:brainpoolP256r1", "ed25519", "ed448", "rsa:2048" };

static void write_as_openssl(const struct key *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	REQUIRE(PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1);
	ssl_take_bio(bio, out);
	BIO_free(bio);
}

static void spki_as_openssl(const struct key *key, uint8_t out[SHA256_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key->pkey, &der);

	REQUIRE(len > 0);
	digest_sha256(der, (size_t)len, out);
	OPENSSL_free(der);
}

static void check_key(const struct key *key, const char *spec)
{
	uint8_t ours[SHA256_LEN], theirs[SHA256_LEN], peek[SHA256_LEN];
	struct secret pem = SECRET_INIT;
	struct buf expected = BUF_INIT;
	struct err err;

	REQUIRE(key_write(key, &pem, &err) == 0);
	write_as_openssl(key, &expected);
	CHECK_STR(pem.data, buf_text(&expected));
	key_spki_sha256(key, ours);
	spki_as_openssl(key, theirs);
	if (memcmp(ours, theirs, sizeof(ours)) != 0)
		TEST_FAIL("%s: another public key", spec);
	CHECK(der_peek_key(pem.data, pem.len, peek) == (strncmp(spec, "ec:", 3) == 0));
	if (strncmp(spec, "ec:", 3) == 0 && memcmp(peek, theirs, sizeof(peek)) != 0)
		TEST_FAIL("%s: another public key at a glance", spec);
	secret_done(&pem);
	buf_done(&expected);
}

TEST(keys_are_written_as_openssl_writes_them)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		/* So many that numbers with a leading zero byte are among them. */
		for (int n = specs[i][0] == 'r' ? 1 : i == 0 ? 400 : 5; n > 0; n--) {
			struct key *key AUTO_KEY = make_key(specs[i]);

			check_key(key, specs[i]);
		}
	}
}

static struct cert *make_cert(const struct key *key, struct instant not_after)
{
	static const char *const names[] = { "example.com", "www.example.com" };
	struct cert_wish wish = { .names = names, .n_names = 2 };
	struct dn_field subject = { "CN", "example.com" };
	struct cert_issue order = { .wish = &wish,
		.key = key,
		.digest = "sha256",
		.not_before = { 1795255200 },
		.not_after = not_after };
	struct cert *cert = NULL;
	struct err err;

	wish.subject = &subject;
	wish.n_subject = 1;
	if (cert_issue(&order, &cert, &err) < 0)
		TEST_FAIL("%s", err.text);
	REQUIRE(cert);
	return cert;
}

TEST(a_subject_at_a_glance)
{
	struct key *key AUTO_KEY = make_key("ec:P-256");
	struct cert *cert AUTO_CERT = make_cert(key, (struct instant){ 1895255200 });
	struct buf der AUTO_BUF = BUF_INIT;
	const unsigned char *at, *expected;
	size_t len, expected_len;

	cert_write_der(cert, &der);
	REQUIRE(der_peek_subject(der.data, der.len, &at, &len));
	REQUIRE(X509_NAME_get0_der(
		X509_get_subject_name(cert->x509), &expected, &expected_len));
	REQUIRE(len == expected_len);
	CHECK(memcmp(at, expected, len) == 0);
	for (size_t n = 0; n < der.len; n++)
		CHECK(!der_peek_subject(der.data, n, &at, &len));
	buf_add(&der, "", 1);
	CHECK(!der_peek_subject(der.data, der.len, &at, &len));
}

TEST(a_certificate_at_a_glance)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct key *key AUTO_KEY = make_key(specs[i]);
		/* Before and after the year from which on dates are written in another form. */
		struct instant end = { i % 2 ? 1895255200 : 2995255200 };
		struct cert *cert AUTO_CERT = make_cert(key, end);
		uint8_t sha256[SHA256_LEN], spki[SHA256_LEN];
		struct buf pem AUTO_BUF = BUF_INIT;
		struct cert_peek peek;

		cert_write(cert, &pem);
		cert_sha256(cert, sha256);
		cert_spki_sha256(cert, spki);
		REQUIRE(der_peek_cert(pem.data, pem.len, &peek));
		CHECK(memcmp(peek.sha256, sha256, sizeof(sha256)) == 0);
		CHECK(memcmp(peek.spki, spki, sizeof(spki)) == 0);
		CHECK_INT(peek.not_after.s, end.s);
		cert_write(cert, &pem);
		CHECK(!der_peek_cert(pem.data, pem.len, &peek));
	}
}

TEST(a_request_at_a_glance)
{
	static const char *const names[] = { "example.com" };
	struct cert_wish wish = { .names = names, .n_names = 1, .path_length = -1 };

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct key *key AUTO_KEY = make_key(specs[i]);
		struct buf pem AUTO_BUF = BUF_INIT, der AUTO_BUF = BUF_INIT;
		struct csr *csr AUTO_CSR = NULL;
		uint8_t own[SHA256_LEN], spki[SHA256_LEN];
		struct err err;

		REQUIRE(csr_make(&wish, key, "sha256", &pem, &err) == 0);
		key_spki_sha256(key, own);
		REQUIRE(der_peek_csr(pem.data, pem.len, spki, &der));
		CHECK(memcmp(own, spki, sizeof(own)) == 0);
		REQUIRE(csr_read(der.data, der.len, &csr, &err) == 0);
		CHECK(csr_has_key(csr, key));
		for (size_t cut = 1; cut < pem.len; cut += 7) {
			buf_clear(&der);
			CHECK(!der_peek_csr(pem.data, pem.len - cut - 1, spki, &der));
			CHECK_INT(der.len, 0);
		}
		REQUIRE(csr_make(&wish, key, "sha256", &pem, &err) == 0);
		CHECK(!der_peek_csr(pem.data, pem.len, spki, &der));
	}
}

/* Far more certificates than are remembered as objects, each of them again and again. */
TEST(what_was_decoded_before_is_the_same)
{
	enum { N = 80 };
	struct key *key AUTO_KEY = make_key("ec:P-256");
	struct buf ders[N];
	struct err err;

	for (size_t i = 0; i < N; i++) {
		struct cert *cert AUTO_CERT =
			make_cert(key, (struct instant){ 1895255200 + (int64_t)i });

		ders[i] = (struct buf)BUF_INIT;
		cert_write_der(cert, &ders[i]);
	}
	for (size_t i = 0; i < 10 * (size_t)N; i++) {
		size_t k = i % 3 ? i * 7 % N : i % 5;
		struct cert *cert AUTO_CERT = NULL, *none AUTO_CERT = NULL;
		struct buf again AUTO_BUF = BUF_INIT;

		REQUIRE(cert_read(ders[k].data, ders[k].len, &cert, &err) == 0);
		CHECK_INT(cert_not_after(cert).s, 1895255200 + (int64_t)k);
		cert_write_der(cert, &again);
		CHECK(again.len == ders[k].len &&
			memcmp(again.data, ders[k].data, again.len) == 0);
		/* With a byte behind it, and without its last one. */
		buf_add_char(&again, 0);
		CHECK_INT(cert_read(again.data, again.len, &none, &err), -1);
		CHECK_INT(cert_read(again.data, again.len - 2, &none, &err), -1);
	}
	for (size_t i = 0; i < N; i++)
		buf_done(&ders[i]);
}

TEST(what_is_cut_or_changed_is_not_the_same)
{
	struct key *key AUTO_KEY = make_key("ec:P-256");
	struct cert *cert AUTO_CERT = make_cert(key, (struct instant){ 1895255200 });
	struct buf pem AUTO_BUF = BUF_INIT;
	struct secret privkey = SECRET_INIT;
	uint8_t sha256[SHA256_LEN], spki[SHA256_LEN];
	struct cert_peek peek;
	struct err err;

	cert_write(cert, &pem);
	cert_sha256(cert, sha256);
	REQUIRE(key_write(key, &privkey, &err) == 0);
	for (size_t i = 0; i < pem.len - 1; i++) {
		char was = pem.data[i];

		CHECK(!der_peek_cert(pem.data, i, &peek));
		pem.data[i] = was == 'A' ? 'B' : 'A';
		/* The last digit before the padding may hold bits that mean nothing. */
		if (der_peek_cert(pem.data, pem.len, &peek) && pem.data[i + 1] != '=' &&
			memcmp(peek.sha256, sha256, sizeof(sha256)) == 0)
			TEST_FAIL("byte %zu of the certificate does not matter", i);
		pem.data[i] = was;
	}
	for (size_t i = 0; i < privkey.len - 1; i++)
		CHECK(!der_peek_key(privkey.data, i, spki));
	secret_done(&privkey);
}

TEST(keys_are_read_one_after_the_other)
{
	static const char broken[] =
		"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
	struct secret pems[ARRAY_LEN(specs)] = { SECRET_INIT };
	uint8_t spki[ARRAY_LEN(specs)][SHA256_LEN], again[SHA256_LEN];
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct key *key AUTO_KEY = make_key(specs[i]);

		REQUIRE(key_write(key, &pems[i], &err) == 0);
		key_spki_sha256(key, spki[i]);
	}
	/* The decoder is kept between them, and what fails leaves nothing in it. */
	for (size_t i = 0; i < 4 * ARRAY_LEN(specs); i++) {
		size_t k = i * 5 % ARRAY_LEN(specs);
		struct key *key AUTO_KEY = NULL, *none AUTO_KEY = NULL;

		REQUIRE(key_read(pems[k].data, pems[k].len, &key, &err) == 0);
		key_spki_sha256(key, again);
		CHECK(memcmp(again, spki[k], sizeof(again)) == 0);
		CHECK_INT(key_read(broken, sizeof(broken) - 1, &none, &err), -1);
		CHECK(!none);
	}
	for (size_t i = 0; i < ARRAY_LEN(specs); i++)
		secret_done(&pems[i]);
}
