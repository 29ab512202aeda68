/* SPDX-License-Identifier: MIT */
#include "tests/unit/crypt_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/describe.h"
#include "lib/crypt/dh.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/pkcs12.h"
#include "lib/crypt/secret.h"

TEST(secrets_grow_and_are_cleared)
{
	struct secret a = SECRET_INIT, b = SECRET_INIT;
	char block[3000];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 10; i++)
		secret_add(&a, block, sizeof(block));
	CHECK_INT(a.len, 30000);
	CHECK_INT(a.data[29999], 'x');
	CHECK_INT(a.data[30000], 0);
	CHECK(!secret_equal(&a, &b));
	secret_add(&b, a.data, a.len);
	CHECK(secret_equal(&a, &b));
	secret_move(&a, &b);
	CHECK(b.data == NULL && b.len == 0);
	secret_done(&a);
	CHECK(a.data == NULL && a.len == 0);
	secret_done(&a);
}

TEST(secrets_are_read_with_a_bound)
{
	char path[] = "/tmp/secret-XXXXXX";
	int fd = mkstemp(path);
	struct secret secret = SECRET_INIT;
	struct err err;

	REQUIRE(fd >= 0 && write(fd, "12345", 5) == 5);
	close(fd);
	CHECK_INT(secret_read(AT_FDCWD, path, 4, &secret, &err), -1);
	CHECK_INT(err.code, ERR_TOO_LARGE);
	CHECK_INT(secret_read(AT_FDCWD, path, 5, &secret, &err), 0);
	CHECK_STR(secret.data, "12345");
	secret_done(&secret);
	unlink(path);
	CHECK_INT(secret_read(AT_FDCWD, path, 5, &secret, &err), -1);
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_INT(secret_read(AT_FDCWD, "/dev/null", 5, &secret, &err), -1);
}

TEST(key_specifications)
{
	static const struct {
		const char *spec;
		bool is_good, is_slow;
	} rows[] = {
		{ "ec:secp384r1", true, false },
		{ "ec:P-256", true, false },
		{ "ec:prime256v1", true, false },
		{ "ec:secp256r1", true, false },
		{ "ec:secp521r1", true, false },
		{ "ec:secp256k1", true, false },
		{ "ec:brainpoolP256r1", true, false },
		{ "ec:secp224r1", true, false },
		{ "ed25519", true, false },
		{ "ed448", true, false },
		{ "rsa:2048", true, true },
		{ "rsa:8192", true, true },
		{ "rsa:2056", true, true },
		{ "rsa:16384", true, true },
		{ "rsa-pss", true, true },
		{ "rsa:1024", false, true },
		{ "rsa:2049", false, true },
		{ "rsa:16392", false, true },
		{ "rsa:", false, true },
		{ "rsa:2048x", false, true },
		{ "rsa", false, true },
		{ "ec", false, true },
		{ "ec:", false, false },
		{ "ec:secp192r1", false, false },
		{ "ec:prime192v1", false, false },
		{ "ec:sect163k1", false, false },
		{ "ec:secp384r2", false, false },
		{ "ec:SM2", false, false },
		{ "x25519", false, true },
		{ "dsa", false, true },
		{ "dh", false, true },
		{ "hmac", false, true },
		{ "", false, true },
		{ "a:b", false, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		bool is_good = key_spec_check(rows[i].spec, &err) == 0;

		if (is_good != rows[i].is_good)
			TEST_FAIL("%s: %s", rows[i].spec, is_good ? "accepted" : err.text);
		if (!is_good)
			CHECK_INT(err.code, ERR_BAD_VALUE);
		CHECK_INT(key_is_slow(rows[i].spec), rows[i].is_slow);
	}
	CHECK(key_spec_equal("ec:P-256", "ec:secp256r1"));
	CHECK(key_spec_equal("ED25519", "ed25519"));
	CHECK(!key_spec_equal("ec:P-256", "ec:P-384"));
	CHECK(!key_spec_equal("rsa:2048", "rsa:4096"));
}

TEST(near_misses_are_named)
{
	struct err err;

	CHECK_INT(key_spec_check("ec:secp384r2", &err), -1);
	CHECK(strstr(err.text, "did you mean ec:secp384r1?") != NULL);
}

TEST(keys_round_trip)
{
	static const struct {
		const char *spec, *type;
	} rows[] = {
		{ "ec:P-256", "ec:secp256r1" },
		{ "ec:secp384r1", "ec:secp384r1" },
		{ "ec:secp521r1", "ec:secp521r1" },
		{ "ed25519", "ed25519" },
		{ "ed448", "ed448" },
		{ "rsa:2048", "rsa:2048" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key *key = make_key(rows[i].spec), *again = NULL;
		struct secret pem = SECRET_INIT, pem2 = SECRET_INIT;
		uint8_t a[SHA256_LEN], b[SHA256_LEN];
		char type[KEY_TYPE_LEN];
		struct err err;

		CHECK_STR(key_type_text(key, type), rows[i].type);
		CHECK_INT(key_check_strength(key, &err), 0);
		CHECK_INT(key_write(key, &pem, &err), 0);
		CHECK(str_starts(pem.data, "-----BEGIN PRIVATE KEY-----\n"));
		REQUIRE(key_read(pem.data, pem.len, &again, &err) == 0);
		CHECK_INT(key_write(again, &pem2, &err), 0);
		CHECK(secret_equal(&pem, &pem2));
		key_spki_sha256(key, a);
		key_spki_sha256(again, b);
		CHECK(memcmp(a, b, sizeof(a)) == 0);
		CHECK(key_spec_equal(rows[i].spec, type));
		secret_done(&pem);
		secret_done(&pem2);
		key_free(key);
		key_free(again);
	}
}

TEST(older_and_weak_keys)
{
	/* A curve of 192 bits, in the older form of EC keys. */
	static const char weak[] =
		"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBAQ==\n"
		"-----END EC PARAMETERS-----\n"
		"-----BEGIN EC PRIVATE KEY-----\n"
		"MF8CAQEEGAvLwz09/sksXUktQZH7CChudz8dAaC+OqAKBggqhkjOPQMBAaE0AzIA\n"
		"BEcIA16v7QUfeDSzBhrtCs6RyZdy8kIXFFKtUAiTFvCTkG+GwQyG4VgGp5H/QV1p\n"
		"jg==\n"
		"-----END EC PRIVATE KEY-----\n";
	static const char encrypted[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n"
					"-----END ENCRYPTED PRIVATE KEY-----\n";
	static const char *const broken[] = { "", "x", "-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" };
	struct key *key = NULL;
	struct err err;

	REQUIRE(key_read(weak, sizeof(weak) - 1, &key, &err) == 0);
	CHECK_INT(key_check_strength(key, &err), -1);
	CHECK_INT(err.code, ERR_BAD_KEY);
	key_free(key);
	CHECK_INT(key_read(encrypted, sizeof(encrypted) - 1, &key, &err), -1);
	CHECK(strstr(err.text, "encrypted") != NULL);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		CHECK_INT(key_read(broken[i], strlen(broken[i]), &key, &err), -1);
		CHECK(err.text[0] != 0);
	}
}

TEST(digests)
{
	static const struct {
		const char *name;
		bool is_good;
	} rows[] = { { "sha256", true }, { "sha384", true }, { "sha512", true },
		{ "sha224", true }, { "md5", false }, { "sha1", false }, { "shake256", false },
		{ "sha385", false }, { "", false }, { "blake2b512", false } };
	uint8_t hash[SHA256_LEN];
	struct buf hex = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;

		if ((digest_check(rows[i].name, &err) == 0) != rows[i].is_good)
			TEST_FAIL("%s: %s", rows[i].name, err.text);
	}
	digest_sha256("abc", 3, hash);
	buf_add_hex(&hex, hash, sizeof(hash));
	CHECK_STR(buf_text(&hex),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	buf_done(&hex);
}
