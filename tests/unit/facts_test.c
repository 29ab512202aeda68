/* SPDX-License-Identifier: MIT */
#include "proto/facts.h"

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/test.h"

static uint64_t seed = 42;

static uint64_t next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 24;
}

static struct version_id random_id(void)
{
	return (struct version_id){ { (int64_t)(next_random() % 4000000000U) + 1 },
		(uint32_t)(next_random() >> (next_random() % 40)) };
}

static void random_bytes(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)next_random();
}

static struct version_facts random_version(void)
{
	struct version_facts v = { .id = random_id() };

	v.created.s = (int64_t)(next_random() % 4000000000U);
	v.not_before.s = (int64_t)(next_random() % 4000000000U) - 1000000000;
	v.not_after = next_random() % 9 == 0
			      ? INSTANT_NEVER
			      : (struct instant){ (int64_t)next_random() % 1000000 };
	v.rolled.s = next_random() % 2 ? (int64_t)(next_random() % 4000000000U) : 0;
	v.revoked.s = next_random() % 4 == 0 ? (int64_t)(next_random() % 4000000000U) : 0;
	v.key_created.s = (int64_t)(next_random() % 4000000000U);
	v.digest = next_random() % 3 ? next_random() << 30 : 0;
	v.generation = (uint32_t)next_random();
	random_bytes(v.spki, 32);
	if (next_random() % 2)
		random_bytes(v.issuer_spki, 32);
	v.ca = next_random() % 2 ? facts_ca("letsencrypt") : 0;
	return v;
}

static struct failure random_failure(void)
{
	static char *const texts[] = { NULL, "", "it \"broke\"\n\ttwice", "caf\xc3\xa9 = x" };
	struct failure f = { .code = (enum err_code)(1 + next_random() % (ERR_COUNT - 1)) };

	f.tries = (uint32_t)next_random();
	f.first.s = (int64_t)(next_random() % 4000000000U);
	f.last.s = (int64_t)(next_random() % 4000000000U);
	f.not_before.s = next_random() % 2 ? 0 : (int64_t)(next_random() % 4000000000U);
	f.text = texts[next_random() % ARRAY_LEN(texts)];
	f.digest = next_random() % 2 ? 0 : next_random();
	return f;
}

static struct ari_facts random_ari(void)
{
	static char *const urls[] = { NULL, "https://ca.example/why?a=\"b\" c" };

	return (struct ari_facts){ .of = random_id(),
		.start = { (int64_t)(next_random() % 4000000000U) },
		.end = { (int64_t)(next_random() % 4000000000U) },
		.moment = { next_random() % 2 ? (int64_t)(next_random() % 4000000000U) : 0 },
		.again = { (int64_t)(next_random() % 4000000000U) },
		.url = urls[next_random() % ARRAY_LEN(urls)] };
}

static struct order_facts random_order(void)
{
	return (struct order_facts){ .url = (char *)"https://ca.example/order/1?x=\"y\" z",
		.ca = (char *)"letsencrypt",
		.at = { (int64_t)(next_random() % 4000000000U) },
		.expires = { next_random() % 2 ? (int64_t)(next_random() % 4000000000U) : 0 } };
}

static void check_version(const struct version_facts *a, const struct version_facts *b)
{
	CHECK(version_id_equal(&a->id, &b->id));
	CHECK_INT(a->created.s, b->created.s);
	CHECK_INT(a->not_before.s, b->not_before.s);
	CHECK_INT(a->not_after.s, b->not_after.s);
	CHECK_INT(a->rolled.s, b->rolled.s);
	CHECK_INT(a->revoked.s, b->revoked.s);
	CHECK_INT(a->key_created.s, b->key_created.s);
	CHECK(a->digest == b->digest);
	CHECK_INT(a->generation, b->generation);
	CHECK(memcmp(a->spki, b->spki, 32) == 0);
	CHECK(memcmp(a->issuer_spki, b->issuer_spki, 32) == 0);
	CHECK(a->ca == b->ca);
}

static void check_text(const char *a, const char *b)
{
	if (a && b)
		CHECK_STR(a, b);
	else
		CHECK(!a && !b);
}

static void check_failure(const struct failure *a, const struct failure *b)
{
	CHECK_INT(a->code, b->code);
	CHECK_INT(a->tries, b->tries);
	CHECK_INT(a->first.s, b->first.s);
	CHECK_INT(a->last.s, b->last.s);
	CHECK_INT(a->not_before.s, b->not_before.s);
	check_text(a->text, b->text);
	CHECK(a->digest == b->digest);
}

static void check_ari(const struct ari_facts *a, const struct ari_facts *b)
{
	CHECK(version_id_equal(&a->of, &b->of));
	CHECK_INT(a->start.s, b->start.s);
	CHECK_INT(a->end.s, b->end.s);
	CHECK_INT(a->moment.s, b->moment.s);
	CHECK_INT(a->again.s, b->again.s);
	check_text(a->url, b->url);
}

static void check_order(const struct order_facts *a, const struct order_facts *b)
{
	check_text(a->url, b->url);
	check_text(a->ca, b->ca);
	CHECK_INT(a->at.s, b->at.s);
	CHECK_INT(a->expires.s, b->expires.s);
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

static void check_facts(const struct cert_facts *a, const struct cert_facts *b)
{
	CHECK_STR(a->cert, b->cert);
	check_version(&a->curr, &b->curr);
	check_version(&a->next, &b->next);
	CHECK(version_id_equal(&a->prev, &b->prev));
	check_failure(&a->failure, &b->failure);
	check_ari(&a->ari, &b->ari);
	check_order(&a->order, &b->order);
	CHECK(version_id_equal(&a->revocation.of, &b->revocation.of));
	CHECK_INT(a->revocation.reason, b->revocation.reason);
	CHECK_INT(a->revocation.asked.s, b->revocation.asked.s);
	REQUIRE(a->n_targets == b->n_targets);
	for (size_t i = 0; i < a->n_targets; i++) {
		CHECK_STR(a->targets[i].name, b->targets[i].name);
		CHECK(version_id_equal(&a->targets[i].copied, &b->targets[i].copied));
		CHECK(version_id_equal(&a->targets[i].confirmed, &b->targets[i].confirmed));
		CHECK(version_id_equal(&a->targets[i].before, &b->targets[i].before));
		CHECK(version_id_equal(&a->targets[i].oldest, &b->targets[i].oldest));
		CHECK(version_id_equal(&a->targets[i].newest, &b->targets[i].newest));
		CHECK_STR(text_of(a->targets[i].dir), text_of(b->targets[i].dir));
		CHECK_STR(text_of(a->targets[i].left), text_of(b->targets[i].left));
		CHECK_STR(text_of(a->targets[i].untidy), text_of(b->targets[i].untidy));
		check_failure(&a->targets[i].failure, &b->targets[i].failure);
	}
}

TEST(round_trip)
{
	static char *const names[] = { "web", "smtp", "imap on host", "x=y" };

	for (int round = 0; round < 2000; round++) {
		struct target_facts targets[4] = { { 0 } };
		struct cert_facts facts = { .cert = "example.com/web-ec", .targets = targets };
		struct cert_facts back, copy;
		AUTO_BUF struct buf text = BUF_INIT;
		AUTO_BUF struct buf again = BUF_INIT;
		struct err err = ERR_INIT;

		if (next_random() % 4)
			facts.curr = random_version();
		if (next_random() % 2)
			facts.ari = random_ari();
		if (next_random() % 3 == 0)
			facts.order = random_order();
		if (next_random() % 3 == 0)
			facts.revocation = (struct revocation_facts){ .of = random_id(),
				.reason = (uint32_t)next_random() % 11,
				.asked = { (int64_t)(next_random() % 4000000000U) } };
		if (next_random() % 2)
			facts.next = random_version();
		if (next_random() % 2)
			facts.prev = random_id();
		if (next_random() % 2)
			facts.failure = random_failure();
		facts.n_targets = (uint16_t)(next_random() % 5);
		for (size_t i = 0; i < facts.n_targets; i++) {
			targets[i].name = names[i];
			if (next_random() % 2)
				targets[i].copied = random_id();
			if (next_random() % 2)
				targets[i].confirmed = random_id();
			if (next_random() % 2)
				targets[i].before = random_id();
			if (next_random() % 2)
				targets[i].oldest = targets[i].newest = random_id();
			if (next_random() % 2)
				targets[i].dir = (char *)"/etc/x y/example.com/web-ec";
			if (next_random() % 2)
				targets[i].left = (char *)"/a/b\n/c \"d\"/e";
			if (next_random() % 2)
				targets[i].untidy = (char *)"cannot remove x";
			if (next_random() % 2)
				targets[i].failure = random_failure();
		}
		facts_write(&facts, &text);
		CHECK(!strchr(text.data, '\n'));
		if (facts_parse(text.data, &back, &err)) {
			TEST_FAIL("%s: %s", text.data, err.text);
			continue;
		}
		check_facts(&facts, &back);
		facts_copy(&back, &copy);
		facts_done(&back);
		check_facts(&facts, &copy);
		facts_write(&copy, &again);
		CHECK_STR(again.data, text.data);
		CHECK(facts.n_targets == 0 || facts_target(&copy, "web") == &copy.targets[0]);
		CHECK(!facts_target(&copy, "none"));
		facts_done(&copy);
	}
}

TEST(refuses)
{
	static const char *const lines[] = { "", "curr=20261121T101500Z-1", "cert=", "a/b",
		"cert=a/b curr=2026", "cert=a/b curr=20261121T101500Z-01",
		"cert=a/b curr=20261121T101500Z", "cert=a/b curr=20261121T101500Z-4294967296",
		"cert=a/b curr=20261121T1015 0Z-1", "cert=a/b curr=20261321T101500Z-1",
		"cert=a/b curr=19700101T000000Z-1", "cert=a/b curr=../../../../etc/x-1",
		"cert=a/b curr=20261121T101500Z-1 curr.created=x",
		"cert=a/b curr=20261121T101500Z-1 curr.digest=12",
		"cert=a/b curr=20261121T101500Z-1 curr.spki=zz",
		"cert=a/b failure=io failure.tries=-1", "cert=a/b  prev=x", "cert=\"a/b" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct cert_facts facts = { 0 };
		struct err err = ERR_INIT;

		if (facts_parse(lines[i], &facts, &err) == 0)
			TEST_FAIL("accepted: %s", lines[i]);
		CHECK(err.text[0]);
		facts_done(&facts);
	}
}

TEST(later_versions_may_say_more)
{
	struct cert_facts facts;
	struct err err = ERR_INIT;

	REQUIRE(facts_parse("cert=a/b mood=good curr.mood=bad curr.created=7 target.x=1 "
			    "failure=brand-new failure.text=why target=web target.mood=x plain",
			&facts, &err) == 0);
	CHECK(!version_is_set(&facts.curr.id));
	CHECK_INT(facts.curr.created.s, 0);
	CHECK_INT(facts.failure.code, ERR_INTERNAL);
	CHECK_STR(facts.failure.text, "why");
	CHECK_INT(facts.n_targets, 1);
	facts_done(&facts);
	facts_done(&facts);
}

/* From the year 1000 to 9999, what the C library writes is read back. */
TEST(times_round_trip)
{
	for (int64_t s = INT64_C(-30610224000); s < INT64_C(253402300800); s += 40003201) {
		struct instant t = { s }, back = INSTANT_NONE;
		struct err err = ERR_INIT;
		char text[INSTANT_TEXT_LEN];

		CHECK_INT(instant_parse(instant_text(t, text), &back, &err), 0);
		CHECK_INT(back.s, s);
		CHECK_INT(instant_parse(instant_compact(t, text), &back, &err), 0);
		CHECK_INT(back.s, s);
	}
}

TEST(version_ids)
{
	struct version_id a, b;
	struct err err = ERR_INIT;
	char text[VERSION_ID_TEXT_LEN];

	REQUIRE(version_id_parse("20261121T101500Z-1", &a, &err) == 0);
	REQUIRE(version_id_parse("20261121T101500Z-12", &b, &err) == 0);
	CHECK_INT(a.made.s, 1795256100);
	CHECK_STR(version_id_text(&b, text), "20261121T101500Z-12");
	CHECK(version_id_compare(&a, &b) < 0 && version_id_compare(&b, &a) > 0);
	CHECK_INT(version_id_compare(&a, &a), 0);
	b.made.s--;
	CHECK(version_id_compare(&a, &b) > 0);
	CHECK(!version_id_equal(&a, &b));
	a.made = INSTANT_NONE;
	CHECK_STR(version_id_text(&a, text), "-");
}

TEST(orders_are_noted_and_forgotten)
{
	static const char *const rows[] = { "cert=a/b order=", "cert=a/b order=x",
		"cert=a/b order.ca=le", "cert=a/b order.at=5 order.ca=le" };
	struct cert_facts facts = { .cert = (char *)"a/b" };
	struct order_facts order = { .url = (char *)"https://ca.example/1",
		.ca = (char *)"le" };
	struct buf text AUTO_BUF = BUF_INIT;
	struct err err;

	facts_copy(&facts, &facts);
	facts_set_order(&facts, &order);
	facts_set_order(&facts, &facts.order);
	facts_write(&facts, &text);
	CHECK_STR(buf_text(&text), "cert=a/b order=https://ca.example/1 order.ca=le");
	order.url = NULL;
	facts_set_order(&facts, &order);
	buf_clear(&text);
	facts_write(&facts, &text);
	CHECK_STR(buf_text(&text), "cert=a/b");
	facts_done(&facts);
	/* What is not both an URL and a CA is no order. */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_INT(facts_parse(rows[i], &facts, &err), 0);
		CHECK(!facts.order.url && !facts.order.ca);
		facts_done(&facts);
	}
}

TEST(directories_of_targets)
{
	struct target_facts web = { .name = (char *)"web" };
	struct cert_facts given = { .cert = (char *)"a/b", .targets = &web, .n_targets = 1 };
	struct cert_facts facts;

	web.confirmed.made.s = 1700000000;
	facts_copy(&given, &facts);
	/* The facts of an older certd confirm copies and name no directory. */
	CHECK(facts_owns_dir(&facts, "web", "/x/a/b") &&
		!facts_owns_dir(&facts, "mail", "/x/a/b"));
	CHECK(facts_set_dir(&facts, "web", "/x/a/b") &&
		!facts_set_dir(&facts, "web", "/x/a/b"));
	CHECK(facts_owns_dir(&facts, "mail", "/x/a/b") &&
		!facts_owns_dir(&facts, "web", "/y/a/b"));
	CHECK(facts_leave_dir(&facts, "web", "/x/a/b") &&
		!facts_leave_dir(&facts, "mail", "/x/a/b"));
	CHECK(facts_leave_dir(&facts, "web", "/z/a/b") && facts_set_dir(&facts, "web", NULL));
	CHECK_STR(facts_target(&facts, "web")->left, "/x/a/b\n/z/a/b");
	CHECK(facts_owns_dir(&facts, "web", "/x/a/b") &&
		!facts_owns_dir(&facts, "web", "/y/a/b"));
	CHECK(!target_facts_dir(facts_target(&facts, "web")));
	CHECK(facts_forget_dir(&facts, "/x/a/b") && !facts_forget_dir(&facts, "/x/a/b"));
	CHECK_STR(facts_target(&facts, "web")->left, "/z/a/b");
	CHECK(facts_forget_dir(&facts, "/z/a/b") && !facts_target(&facts, "web")->left);
	CHECK(!facts_owns_dir(&facts, "web", "/x/a/b"));
	CHECK(facts_set_untidy(&facts, "web", "busy") &&
		!facts_set_untidy(&facts, "web", "busy"));
	CHECK(facts_set_untidy(&facts, "web", NULL) && !facts_target(&facts, "web")->untidy);
	facts_done(&facts);
}
