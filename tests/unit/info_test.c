/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "daemon/keeper/store/info.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"

#define NOW ((struct instant){ 1795255200 }) /* 2026-11-21T10:00:00Z */

static struct cert *make_cert(void)
{
	static const struct dn_field subject[] = { { "O", "Two\\Lines: here" }, { "CN", "x" } };
	static const char *const names[] = { "example.com", "192.0.2.1" };
	struct cert_wish wish = {
		.subject = subject, .n_subject = 2, .names = names, .n_names = 2
	};
	struct key *key AUTO_KEY = NULL;
	struct cert_issue order = { .wish = &wish,
		.digest = "sha256",
		.not_before = instant_sub(NOW, MINUTES(5)),
		.not_after = instant_add(NOW, SECONDS(60)) };
	struct cert *cert = NULL;
	struct err err;

	REQUIRE(key_make("ed25519", &key, &err) == 0);
	order.key = key;
	REQUIRE(cert_issue(&order, &cert, &err) == 0);
	return cert;
}

static struct version_facts make_facts(const struct cert *cert)
{
	struct version_facts facts = { .id = { NOW, 7 } };

	info_from_cert(cert, NULL, NOW, &facts);
	facts.digest = UINT64_C(0x0123456789abcdef);
	facts.generation = 4000000000U;
	facts.key_created = instant_sub(NOW, DAYS(30));
	facts.ca = facts_ca("my-int");
	return facts;
}

static int same(const struct version_facts *a, const struct version_facts *b)
{
	return a->created.s == b->created.s && a->not_before.s == b->not_before.s &&
	       a->not_after.s == b->not_after.s && a->rolled.s == b->rolled.s &&
	       a->revoked.s == b->revoked.s && a->key_created.s == b->key_created.s &&
	       a->digest == b->digest && a->generation == b->generation &&
	       memcmp(a->spki, b->spki, 32) == 0 &&
	       memcmp(a->issuer_spki, b->issuer_spki, 32) == 0 && a->ca == b->ca &&
	       version_id_equal(&a->id, &b->id);
}

TEST(facts_round_trip)
{
	struct cert *cert AUTO_CERT = make_cert();
	struct version_facts facts = make_facts(cert), again = { .id = facts.id };
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	for (int i = 0; i < 2; i++) {
		buf_clear(&text);
		info_write(&facts, cert, "my-int", &text);
		CHECK_INT(info_parse(buf_text(&text), &again, &err), 0);
		CHECK(same(&facts, &again));
		facts.rolled = instant_add(NOW, HOURS(2));
	}
}

TEST(lines_are_there_for_grep)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "names", "example.com 192.0.2.1" },
		{ "issuer", "CN=x,O=Two\\\\Lines: here" },
		{ "ca", "my-int" },
		{ "key", "ed25519" },
		{ "created", "2026-11-21T10:00:00Z" },
		{ "not_before", "2026-11-21T09:55:00Z" },
		{ "not_after", "2026-11-21T10:01:00Z" },
		{ "lifetime", "1m" },
		{ "digest", "0123456789abcdef" },
		{ "generation", "4000000000" },
	};
	static const char *const others[] = { "serial", "sha256", "spki_sha256", "key_created",
		"issuer_spki_sha256" };
	struct cert *cert AUTO_CERT = make_cert();
	struct version_facts facts = make_facts(cert);
	struct buf text AUTO_BUF = BUF_INIT;

	info_write(&facts, cert, "my-int", &text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf value AUTO_BUF = BUF_INIT;

		CHECK(info_value(buf_text(&text), rows[i].key, &value));
		CHECK_STR(buf_text(&value), rows[i].value);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct buf value AUTO_BUF = BUF_INIT;

		CHECK(info_value(buf_text(&text), others[i], &value) && value.len > 0);
	}
	CHECK(!info_value(buf_text(&text), "rolled", &text));
	CHECK(!info_value(buf_text(&text), "ke", &text));
}

TEST(moments_are_set_once_and_the_rest_is_kept)
{
	struct cert *cert AUTO_CERT = make_cert();
	struct version_facts facts = make_facts(cert), again = { .id = facts.id };
	struct buf one AUTO_BUF = BUF_INIT, two AUTO_BUF = BUF_INIT, three AUTO_BUF = BUF_INIT;
	struct buf four AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	info_write(&facts, cert, "my-int", &one);
	buf_add_text(&one, "later: a key we do not know yet\n");
	info_set_time(buf_text(&one), "rolled", instant_add(NOW, HOURS(1)), &two);
	info_set_time(buf_text(&two), "rolled", instant_add(NOW, HOURS(2)), &three);
	CHECK(strstr(buf_text(&three), "later: a key we do not know yet\n") != NULL);
	facts.rolled = instant_add(NOW, HOURS(2));
	CHECK_INT(info_parse(buf_text(&three), &again, &err), 0);
	CHECK(same(&facts, &again));
	CHECK_INT(two.len, three.len);
	info_set_time(buf_text(&three), "revoked", instant_add(NOW, HOURS(3)), &four);
	facts.revoked = instant_add(NOW, HOURS(3));
	again = (struct version_facts){ .id = facts.id };
	CHECK_INT(info_parse(buf_text(&four), &again, &err), 0);
	CHECK(same(&facts, &again));
}

TEST(damage_is_told)
{
	static const char *const lines[] = { "not_after: yesterday\n", "digest: 12\n",
		"spki_sha256: 00\n", "generation: -1\n", "created: 2026-11-21T10:00:00Z\n" };
	struct cert *cert AUTO_CERT = make_cert();
	struct version_facts facts = make_facts(cert), out = { .generation = 77 };
	struct buf good AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	info_write(&facts, cert, "x", &good);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct buf bad AUTO_BUF = BUF_INIT;

		buf_printf(&bad, "%s%s", lines[i], buf_text(&good));
		CHECK_INT(info_parse(buf_text(&bad), &out, &err), -1);
		CHECK_INT(err.code, ERR_BROKEN_STORE);
		CHECK_INT(out.generation, 77);
	}
	CHECK_INT(info_parse("", &out, &err), -1);
	CHECK_INT(info_parse("\n\n::\nx", &out, &err), -1);
	/* Cut anywhere: never accepted without what every version has, never a crash. */
	for (size_t len = 0; len < good.len; len++) {
		char *cut AUTO_FREE = mem_strndup(good.data, len);

		if (info_parse(cut, &out, &err) == 0)
			CHECK(instant_is_set(out.created) && instant_is_set(out.not_after));
	}
}

TEST(facts_come_back_from_the_certificate)
{
	struct cert *cert AUTO_CERT = make_cert();
	struct version_facts facts = { .id = { NOW, 3 } };
	uint8_t spki[SHA256_LEN];

	info_from_cert(cert, NULL, NOW, &facts);
	cert_spki_sha256(cert, spki);
	CHECK(memcmp(facts.spki, spki, 32) == 0 && memcmp(facts.issuer_spki, spki, 32) == 0);
	CHECK_INT(facts.not_after.s, NOW.s + 60);
	CHECK_INT(facts.created.s, NOW.s);
	CHECK_INT(facts.digest, 0);
	CHECK_INT(facts.id.suffix, 3);
	CHECK(!instant_is_set(facts.rolled));
}
