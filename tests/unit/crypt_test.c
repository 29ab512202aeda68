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

#define NOW ((struct instant){ 1795255200 }) /* 2026-11-21T10:00:00Z */

static const struct dn_field root_subject[] = { { "CN", "Example Root" },
	{ "O", "Ex\xc3\xa4mple" }, { "C", "US" } };

static struct cert *issue(const struct cert_wish *wish, const struct key *key,
	const struct cert *issuer, const struct key *issuer_key, struct duration life)
{
	struct cert_issue order = { .wish = wish,
		.key = key,
		.issuer = issuer,
		.issuer_key = issuer_key,
		.digest = "sha384",
		.not_before = instant_sub(NOW, MINUTES(5)),
		.not_after = instant_add(NOW, life) };
	struct cert *cert = NULL;
	struct err err;

	if (cert_issue(&order, &cert, &err) < 0)
		TEST_FAIL("%s", err.text);
	REQUIRE(cert);
	return cert;
}

static struct cert *issue_root(const struct key *key, struct duration life)
{
	struct cert_wish wish = { .subject = root_subject,
		.n_subject = ARRAY_LEN(root_subject),
		.is_ca = true,
		.path_length = -1 };

	return issue(&wish, key, NULL, NULL, life);
}

TEST(subject_fields)
{
	static const struct {
		const char *key, *value;
		bool is_good;
	} rows[] = { { "CN", "Example", true }, { "C", "US", true }, { "C", "USA", false },
		{ "C", "1?", false }, { "O", "", false },
		{ "emailAddress", "a@example.com", true }, { "postalCode", "12345", true },
		{ "XX", "y", false }, { "serverAuth", "y", false }, { "O", "a\nb", false },
		{ "O", "\xff\xfe", false },
		{ "CN",
			"012345678901234567890123456789012345678901234567890123456789012345678"
			"9",
			false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;

		if ((dn_field_check(rows[i].key, rows[i].value, &err) == 0) != rows[i].is_good)
			TEST_FAIL("%s=%s: %s", rows[i].key, rows[i].value, err.text);
	}
}

TEST(certificates_tell_what_was_asked)
{
	static const char *const names[] = { "example.com", "*.example.com",
		"xn--bcher-kva.example", "192.0.2.10", "2001:DB8:0::10" };
	static const char *const fewer[] = { "example.com" };
	struct cert_wish wish = { .names = names,
		.n_names = ARRAY_LEN(names),
		.purposes = EKU_SERVER_AUTH | EKU_CLIENT_AUTH };
	struct key *root_key = make_key("ec:secp384r1"), *key = make_key("ec:P-256");
	struct cert *root = issue_root(root_key, DAYS(3650)), *again = NULL;
	struct cert *leaf = issue(&wish, key, root, root_key, DAYS(90));
	struct buf ski = BUF_INIT, aki = BUF_INIT, text = BUF_INIT, pem = BUF_INIT;
	char type[KEY_TYPE_LEN];
	struct err err;

	cert_ski(root, &ski);
	cert_aki(leaf, &aki);
	CHECK_INT(ski.len, 40);
	CHECK_STR(buf_text(&aki), buf_text(&ski));
	cert_issuer_name(leaf, &text);
	CHECK_STR(buf_text(&text), "C=US,O=Ex\xc3\xa4mple,CN=Example Root");
	buf_clear(&text);
	cert_subject_name(leaf, &text);
	CHECK_STR(buf_text(&text), "");
	cert_common_name(root, &text);
	CHECK_STR(buf_text(&text), "Example Root");
	CHECK_INT(cert_not_before(leaf).s, NOW.s - 300);
	CHECK_INT(cert_not_after(leaf).s, NOW.s + 90 * 86400);
	CHECK_INT(cert_has_exactly(leaf, names, ARRAY_LEN(names), &err), 0);
	CHECK_INT(cert_has_exactly(leaf, fewer, ARRAY_LEN(fewer), &err), -1);
	CHECK_INT(cert_has_exactly(root, fewer, ARRAY_LEN(fewer), &err), -1);
	CHECK_STR(cert_name(leaf, 4), "2001:db8::10");
	CHECK_STR(cert_key_type(leaf, type), "ec:secp256r1");
	CHECK_STR(cert_signature(leaf, type), "ecdsa-with-SHA384");
	CHECK_INT(cert_purposes(leaf), EKU_SERVER_AUTH | EKU_CLIENT_AUTH);
	CHECK_INT(cert_purposes(root), 0);
	CHECK(cert_is_ca(root) && !cert_is_ca(leaf));
	CHECK_INT(cert_path_length(root), -1);
	CHECK(cert_is_self_signed(root) && !cert_is_self_signed(leaf));
	CHECK(cert_has_key(leaf, key) && !cert_has_key(leaf, root_key));
	CHECK_INT(cert_is_issued_by(leaf, root, &err), 0);
	CHECK_INT(cert_is_issued_by(root, leaf, &err), -1);
	cert_write(leaf, &pem);
	REQUIRE(cert_read(buf_text(&pem), pem.len, &again, &err) == 0);
	CHECK(cert_equal(leaf, again));
	cert_free(again);
	buf_clear(&pem);
	cert_write_der(leaf, &pem);
	REQUIRE(cert_read(pem.data, pem.len, &again, &err) == 0);
	CHECK(cert_equal(leaf, again));
	cert_free(again);
	buf_add_char(&pem, 'x');
	CHECK_INT(cert_read(pem.data, pem.len, &again, &err), -1);
	buf_done(&ski);
	buf_done(&aki);
	buf_done(&text);
	buf_done(&pem);
	cert_free(root);
	cert_free(leaf);
	key_free(root_key);
	key_free(key);
}

static void add_line(void *data, const char *key, const char *value)
{
	buf_printf(data, "%s=%s\n", key, value);
}

TEST(descriptions)
{
	struct key *key AUTO_KEY = make_key("ed25519");
	struct cert *root AUTO_CERT = issue_root(key, DAYS(1));
	struct buf text AUTO_BUF = BUF_INIT, of_key AUTO_BUF = BUF_INIT;

	cert_describe(root, add_line, &text);
	CHECK(str_starts(
		buf_text(&text), "subject=C=US,O=Ex\xc3\xa4mple,CN=Example Root\nissuer="));
	CHECK(strstr(buf_text(&text), "not_after=2026-11-22T10:00:00Z\nkey=ed25519\n") != NULL);
	CHECK(strstr(buf_text(&text), "\nca=yes\nserial=") != NULL);
	key_describe(key, add_line, &of_key);
	CHECK(str_starts(buf_text(&of_key), "key=ed25519\nspki_sha256="));
	CHECK(str_ends(buf_text(&text), strchr(buf_text(&of_key), '\n')));
}

TEST(serials_are_random_and_positive)
{
	struct key *key = make_key("ed25519");
	struct buf last = BUF_INIT;

	for (int i = 0; i < 40; i++) {
		struct cert *cert = issue_root(key, DAYS(1));
		struct buf serial = BUF_INIT;

		cert_serial(cert, &serial);
		CHECK(serial.len > 24 && serial.len <= 40);
		CHECK(serial.data[0] != '-' && (serial.len < 40 || serial.data[0] < '8'));
		CHECK(strcmp(buf_text(&serial), buf_text(&last)) != 0);
		buf_done(&last);
		last = serial;
		cert_free(cert);
	}
	buf_done(&last);
	key_free(key);
}

TEST(dates_reach_beyond_2049_and_stop_at_the_issuer)
{
	struct cert_wish wish = { .subject = root_subject, .n_subject = 1, .path_length = -1 };
	struct key *key = make_key("ed25519");
	struct cert *root = issue_root(key, DAYS(36500));
	struct cert *leaf = issue(&wish, key, root, key, DAYS(73000));
	struct cert *endless = issue_root(key, SECONDS(INT64_MAX));

	CHECK_INT(cert_not_after(root).s, NOW.s + INT64_C(36500) * 86400);
	CHECK_INT(cert_not_after(leaf).s, cert_not_after(root).s);
	CHECK_INT(cert_not_after(endless).s, INT64_C(253402300799));
	cert_free(root);
	cert_free(leaf);
	cert_free(endless);
	key_free(key);
}

TEST(what_cannot_be_a_certificate_is_refused)
{
	static const char *const bad[] = { "",
		"b\xc3\xbc"
		"cher.example",
		"a b", "2001:db8::zz" };
	struct key *key = make_key("ed25519"), *other = make_key("ed25519");
	struct cert *root = issue_root(key, DAYS(10)), *out = NULL;
	struct cert_wish wish = { .subject = root_subject, .n_subject = 1, .n_names = 1 };
	struct cert_issue order = { .wish = &wish,
		.key = key,
		.digest = "sha256",
		.not_before = NOW,
		.not_after = instant_add(NOW, DAYS(1)) };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		wish.names = &bad[i];
		CHECK_INT(cert_issue(&order, &out, &err), -1);
		CHECK_INT(err.code, ERR_BAD_VALUE);
	}
	wish.n_names = 0;
	wish.n_subject = 0;
	CHECK_INT(cert_issue(&order, &out, &err), -1);
	wish.n_subject = 1;
	order.not_after = NOW;
	CHECK_INT(cert_issue(&order, &out, &err), -1);
	order.not_after = instant_add(NOW, DAYS(1));
	order.issuer = root;
	order.issuer_key = other;
	CHECK_INT(cert_issue(&order, &out, &err), -1);
	CHECK_INT(err.code, ERR_BAD_KEY);
	CHECK(out == NULL);
	cert_free(root);
	key_free(key);
	key_free(other);
}

TEST(requests_round_trip)
{
	static const char *const specs[] = { "ec:secp384r1", "ed25519", "ed448", "rsa:2048" };
	static const char *const names[] = { "example.com", "192.0.2.1" };
	struct cert_wish wish = { .subject = root_subject,
		.n_subject = 3,
		.names = names,
		.n_names = 2,
		.purposes = EKU_SERVER_AUTH };

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct key *key = make_key(specs[i]);
		struct buf pem = BUF_INIT, text = BUF_INIT;
		struct csr *csr = NULL;
		struct err err;

		REQUIRE(csr_make(&wish, key, "sha256", &pem, &err) == 0);
		REQUIRE(csr_read(pem.data, pem.len, &csr, &err) == 0);
		CHECK(csr_has_key(csr, key));
		csr_describe(csr, add_line, &text);
		CHECK(strstr(buf_text(&text), "names=example.com 192.0.2.1\n") != NULL);
		CHECK(strstr(buf_text(&text), specs[i]) != NULL);
		csr_free(csr);
		pem.data[pem.len / 2] ^= 1;
		CHECK_INT(csr_read(pem.data, pem.len, &csr, &err), -1);
		buf_clear(&pem);
		CHECK_INT(csr_make_der(&wish, key, "sha256", &pem, &err), 0);
		REQUIRE(csr_read(pem.data, pem.len, &csr, &err) == 0);
		csr_free(csr);
		buf_done(&pem);
		buf_done(&text);
		key_free(key);
	}
}

/* Root, intermediate, leaf. */
struct hierarchy {
	struct key *keys[3];
	struct cert *certs[3];
};

static void hierarchy_init(struct hierarchy *h)
{
	static const struct dn_field sub[] = { { "CN", "Issuing" } };
	static const char *const names[] = { "example.com" };
	struct cert_wish wish = { .subject = sub, .n_subject = 1, .is_ca = true };
	struct cert_wish leaf = { .names = names, .n_names = 1, .purposes = EKU_SERVER_AUTH };

	for (int i = 0; i < 3; i++)
		h->keys[i] = make_key("ec:P-256");
	h->certs[0] = issue_root(h->keys[0], DAYS(100));
	h->certs[1] = issue(&wish, h->keys[1], h->certs[0], h->keys[0], DAYS(50));
	h->certs[2] = issue(&leaf, h->keys[2], h->certs[1], h->keys[1], DAYS(10));
}

static void hierarchy_done(struct hierarchy *h)
{
	for (int i = 0; i < 3; i++) {
		cert_free(h->certs[i]);
		key_free(h->keys[i]);
	}
}

/* `order` names members of the hierarchy: "210" is the whole chain, leaf first. */
static void chain_of(const struct hierarchy *h, const char *order, struct chain *out)
{
	struct buf pem AUTO_BUF = BUF_INIT;
	struct err err;

	buf_add_text(&pem, "some text\n");
	for (; *order; order++)
		cert_write(h->certs[*order - '0'], &pem);
	REQUIRE(chain_read(pem.data, pem.len, out, &err) == 0);
}

TEST(chains_verify_link_by_link)
{
	static const struct {
		const char *order;
		int anchor, days;
		bool is_good;
	} rows[] = {
		{ "210", -1, 0, true },
		{ "210", 0, 0, true },
		{ "21", -1, 0, true },
		{ "21", 0, 0, true },
		{ "21", 1, 0, true },
		{ "2", 1, 0, true },
		{ "0", -1, 0, true },
		{ "10", -1, 20, true },
		{ "2", -1, 0, false },
		{ "2", 0, 0, false },
		{ "20", -1, 0, false },
		{ "201", -1, 0, false },
		{ "2110", -1, 0, false },
		{ "012", -1, 0, false },
		{ "210", 2, 0, false },
		{ "210", -1, 11, false },
		{ "10", -1, 51, false },
		{ "210", -1, -1, false },
	};
	struct hierarchy h;

	hierarchy_init(&h);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct chain chain AUTO_CHAIN = CHAIN_INIT;
		struct err err = ERR_INIT;
		bool is_good;

		chain_of(&h, rows[i].order, &chain);
		is_good = chain_verify(&chain,
				  rows[i].anchor < 0 ? NULL : h.certs[rows[i].anchor],
				  instant_add(NOW, DAYS(rows[i].days)), &err) == 0;
		if (is_good != rows[i].is_good)
			TEST_FAIL("%s anchor %d: %s", rows[i].order, rows[i].anchor,
				is_good ? "accepted" : err.text);
	}
	hierarchy_done(&h);
}

TEST(a_forged_link_is_found)
{
	struct hierarchy h, other;
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct err err;

	/* The same names, other keys. */
	hierarchy_init(&h);
	hierarchy_init(&other);
	chain_of(&h, "2", &chain);
	chain_of(&other, "10", &chain);
	CHECK_INT(chain_verify(&chain, NULL, NOW, &err), -1);
	CHECK_INT(err.code, ERR_BAD_CHAIN);
	hierarchy_done(&h);
	hierarchy_done(&other);
}

TEST(path_lengths_are_kept)
{
	static const struct dn_field sub[] = { { "CN", "Deeper" } };
	struct cert_wish wish = {
		.subject = sub, .n_subject = 1, .is_ca = true, .path_length = -1
	};
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct hierarchy h;
	struct err err;

	/* The intermediate has path length 0, so a CA below it is one too many; depth counts then. */
	hierarchy_init(&h);
	cert_free(h.certs[2]);
	h.certs[2] = issue(&wish, h.keys[2], h.certs[1], h.keys[1], DAYS(5));
	wish.is_ca = false;
	REQUIRE(chain_add(&chain, issue(&wish, h.keys[0], h.certs[2], h.keys[2], DAYS(1)),
			&err) == 0);
	chain_of(&h, "210", &chain);
	CHECK_INT(chain_verify(&chain, NULL, NOW, &err), -1);
	CHECK(strstr(err.text, "path length") != NULL);
	hierarchy_done(&h);
}

TEST(chains_hold_certificates_only)
{
	struct buf pem = BUF_INIT;
	struct secret secret = SECRET_INIT;
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct hierarchy h;
	struct err err;

	hierarchy_init(&h);
	for (int i = 0; i < CHAIN_MAX; i++)
		cert_write(h.certs[0], &pem);
	CHECK_INT(chain_read(pem.data, pem.len, &chain, &err), 0);
	chain_done(&chain);
	cert_write(h.certs[0], &pem);
	CHECK_INT(chain_read(pem.data, pem.len, &chain, &err), -1);
	CHECK_INT(err.code, ERR_TOO_LARGE);
	buf_clear(&pem);
	cert_write(h.certs[0], &pem);
	REQUIRE(key_write(h.keys[0], &secret, &err) == 0);
	buf_add(&pem, secret.data, secret.len);
	CHECK_INT(chain_read(pem.data, pem.len, &chain, &err), -1);
	CHECK_INT(err.code, ERR_BAD_CHAIN);
	CHECK_INT(chain_read("", 0, &chain, &err), -1);
	CHECK_INT(chain.n, 0);
	buf_done(&pem);
	secret_done(&secret);
	hierarchy_done(&h);
}

TEST(pkcs12_is_made)
{
	struct chain chain AUTO_CHAIN = CHAIN_INIT;
	struct secret out = SECRET_INIT;
	struct hierarchy h;
	struct err err;

	hierarchy_init(&h);
	chain_of(&h, "210", &chain);
	CHECK_INT(pkcs12_write(h.keys[2], &chain, "example.com/web", "geheim", &out, &err), 0);
	CHECK(out.len > 1000 && (unsigned char)out.data[0] == 0x30);
	CHECK_INT(pkcs12_write(h.keys[0], &chain, "x", "geheim", &out, &err), -1);
	secret_done(&out);
	hierarchy_done(&h);
}

TEST(dh_groups)
{
	struct buf pem = BUF_INIT;
	struct err err;

	CHECK_INT(dh_make("ffdhe2048", &pem, &err), 0);
	CHECK(str_starts(buf_text(&pem), "-----BEGIN DH PARAMETERS-----\n"));
	CHECK_INT(dh_check("4096", &err), 0);
	CHECK(!dh_is_named("4096") && dh_is_named("ffdhe8192"));
	CHECK_INT(dh_check("1024", &err), -1);
	CHECK_INT(dh_check("ffdhe4098", &err), -1);
	CHECK(strstr(err.text, "did you mean ffdhe4096?") != NULL);
	buf_done(&pem);
}
