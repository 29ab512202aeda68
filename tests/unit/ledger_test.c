/* SPDX-License-Identifier: MIT */
#include "daemon/acme/ledger.h"

#include "daemon/conf/conf.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "proto/line.h"
#include "tests/test.h"

#define T0 INT64_C(1795256100) /* 2026-11-21T10:15:00Z */

static uint64_t seed = 7;

static uint64_t next_random(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % below;
}

static struct cert_conf cert_of(char *const *names, uint16_t n)
{
	static const char name[] = "example.co.uk/web";

	return (struct cert_conf){ .name = name,
		.service = strchr(name, '/') + 1,
		.names = (char **)(uintptr_t)names,
		.n_names = n,
		.key = "ec:secp256r1" };
}

TEST(identity)
{
	char *one[] = { "b.example", "a.example", "*.a.example" };
	char *same[] = { "*.a.example", "a.example", "b.example", "a.example" };
	char *other[] = { "*.a.example", "a.example" };
	char a[IDENTITY_LEN], b[IDENTITY_LEN];

	CHECK_STR(identity_of(one, 3, a), identity_of(same, 4, b));
	CHECK_INT(strlen(a), 32);
	CHECK(strcmp(identity_of(other, 2, b), a) != 0);
	/* It stands in the keeper's files, so it must never change. */
	CHECK_STR(identity_of(other, 1, b), "697715bd9103354d3d061b67b7927f05");
}

TEST(domains)
{
	static const char *const table[][3] = {
		{ "www.example.com", NULL, "example.com" },
		{ "example.com", NULL, "example.com" },
		{ "com", NULL, "com" },
		{ "*.a.b.example.com", NULL, "example.com" },
		{ "www.example.co.uk", NULL, "co.uk" },
		{ "www.example.co.uk", "example.co.uk", "example.co.uk" },
		{ "*.example.co.uk", "example.co.uk", "example.co.uk" },
		{ "example.co.uk", "example.co.uk", "example.co.uk" },
		{ "myexample.co.uk", "example.co.uk", "co.uk" },
		{ "www.other.org", "example.co.uk", "other.org" },
		{ "192.0.2.10", "example.com", "192.0.2.10" },
		{ "2001:db8:1:2:3:4:5:6", NULL, "2001:db8:1:2::" },
		{ "2001:db8:1:2::7", NULL, "2001:db8:1:2::" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char out[IDENTITY_DOMAIN_LEN];

		CHECK_STR(identity_domain(table[i][0], table[i][1], out), table[i][2]);
	}
}

/* The other way to see a bucket: what is in it, counted second by second. */
struct model {
	int64_t in, at; /* seconds' worth of tokens at that time */
	int64_t period, token;
};

static void model_pass(struct model *m, int64_t at)
{
	m->in += at - m->at;
	m->in = m->in > m->period ? m->period : m->in;
	m->at = at;
}

static void model_take(struct model *m, int64_t at)
{
	model_pass(m, at);
	m->in = m->in > m->token ? m->in - m->token : 0;
}

static int64_t model_opens(const struct model *m)
{
	return m->at + (m->in >= m->token ? 0 : m->token - m->in);
}

struct seen {
	struct ledger_use uses[16];
	size_t n;
};

static void see(const struct ledger_use *use, void *data)
{
	struct seen *seen = data;

	REQUIRE(seen->n < ARRAY_LEN(seen->uses));
	seen->uses[seen->n++] = *use;
}

static const struct ledger_use *use_of(const struct seen *seen, enum limit limit)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->uses[i].limit == limit)
			return &seen->uses[i];
	return NULL;
}

static void check_use(const struct seen *seen, enum limit limit, const struct model *m)
{
	const struct ledger_use *use = use_of(seen, limit);
	int64_t missing = m->period - m->in, opens;

	REQUIRE(use);
	CHECK_INT(use->used, (missing + m->token - 1) / m->token);
	opens = use->opens.s < m->at ? m->at : use->opens.s;
	CHECK_INT(opens, model_opens(m));
}

/* Any history of anything: each limit is what its model says, and so is a ledger read from text. */
TEST(random_histories)
{
	char *names[] = { "www.example.co.uk" };
	struct cert_conf cert = cert_of(names, 1);
	struct ledger_ask ask = { .cert = &cert, .kind = LEDGER_NEW };

	for (int round = 0; round < 300; round++) {
		struct model models[LIMIT_COUNT] = { { 10800, T0, 10800, 36 },
			{ 604800, T0, 604800, 12096 }, { 604800, T0, 604800, 120960 },
			{ 3600, T0, 3600, 720 } };
		struct ledger ledger, again;
		struct buf text AUTO_BUF = BUF_INIT;
		int64_t now = T0, pace = 1 + (int64_t)next_random(next_random(2) ? 40 : 40000);

		ledger_init(&ledger, true);
		ledger_init(&again, true);
		for (int step = 0; step < 60; step++) {
			struct ledger_entry entry = {
				.what = (enum ledger_what)next_random(3),
				.kind = (enum ledger_kind)next_random(3),
				.at = { now += (int64_t)next_random((uint64_t)pace) },
				.life = DAYS(90),
			};
			struct buf domains AUTO_BUF = BUF_INIT;
			struct seen seen = { .n = 0 }, seen_again = { .n = 0 };
			char at[INSTANT_TEXT_LEN];

			/* A week is what is kept. */
			if (now - T0 > DAYS(7).s)
				break;
			ledger_entry_about(&entry, &cert, &domains);
			entry.has_order = entry.what != LEDGER_ORDER && next_random(2);
			if (entry.what == LEDGER_FAILED && next_random(4))
				entry.names = names[0];
			for (uint64_t n = 1 + next_random(entry.what == LEDGER_ORDER ? 90 : 2);
				n > 0; n--) {
				ledger_note(&ledger, &entry);
				line_add_word(&text, instant_text(entry.at, at));
				ledger_entry_write(&entry, &text);
				line_end(&text);
				if ((entry.what == LEDGER_ORDER || entry.has_order) &&
					entry.kind == LEDGER_NEW)
					model_take(&models[LIMIT_ORDERS], now);
				if (entry.what == LEDGER_ISSUED && entry.kind == LEDGER_NEW)
					model_take(&models[LIMIT_DOMAIN], now);
				if (entry.what == LEDGER_ISSUED && entry.kind != LEDGER_ARI)
					model_take(&models[LIMIT_SET], now);
				if (entry.what == LEDGER_FAILED && entry.names)
					model_take(&models[LIMIT_INVALID], now);
			}
			ledger_uses(&ledger, &ask, entry.at, see, &seen);
			for (int i = 0; i < LIMIT_COUNT; i++) {
				model_pass(&models[i], now);
				check_use(&seen, (enum limit)i, &models[i]);
			}
			if (step % 20 != 19)
				continue;
			ledger_done(&again);
			ledger_init(&again, true);
			ledger_read(&again, buf_text(&text), text.len, entry.at);
			ledger_uses(&again, &ask, entry.at, see, &seen_again);
			REQUIRE(seen.n == seen_again.n);
			for (size_t i = 0; i < seen.n; i++) {
				CHECK_INT(seen_again.uses[i].used, seen.uses[i].used);
				CHECK_INT(seen_again.uses[i].opens.s, seen.uses[i].opens.s);
			}
			CHECK_INT(ledger_failure(&again, &cert).tries,
				ledger_failure(&ledger, &cert).tries);
		}
		ledger_done(&ledger);
		ledger_done(&again);
	}
}

static void issue(struct ledger *ledger, const struct cert_conf *cert, enum ledger_kind kind,
	int64_t at, struct duration life)
{
	struct ledger_entry entry = {
		.what = LEDGER_ISSUED, .kind = kind, .at = { at }, .life = life
	};
	struct buf domains AUTO_BUF = BUF_INIT;

	ledger_entry_about(&entry, cert, &domains);
	ledger_note(ledger, &entry);
}

/* What is issued on and on is stopped by the ceiling, exactly when a list of all issues says so. */
TEST(ceiling)
{
	static const int64_t lives[] = { 60, 3600, 86400, 160 * 3600, 90 * 86400 };
	char *names[] = { "a.example" };
	struct cert_conf cert = cert_of(names, 1);
	struct ledger_ask ask = { .cert = &cert, .kind = LEDGER_ARI };

	for (int round = 0; round < 200; round++) {
		int64_t life = lives[next_random(ARRAY_LEN(lives))], now = T0;
		int64_t window = 5 * (life / 16) < 86400 ? 5 * (life / 16) : 86400;
		int64_t times[100];
		struct ledger ledger;
		int n = 0;

		ledger_init(&ledger, false);
		for (int step = 0; step < 100; step++) {
			struct err err = ERR_INIT;
			int recent = 0;
			bool is_free;

			now += (int64_t)next_random((uint64_t)window / 3 + 1);
			for (int i = 0; i < n; i++)
				recent += times[i] + window > now;
			is_free =
				ledger_check(&ledger, &ask, (struct instant){ now }, &err) == 0;
			CHECK_INT(is_free, recent < LEDGER_CEILING);
			if (!is_free) {
				CHECK_INT(err.code, ERR_RATE_LIMITED);
				CHECK_INT(err.not_before.s, times[n - LEDGER_CEILING] + window);
				ask.is_forced = true;
				CHECK_INT(ledger_check(
						  &ledger, &ask, (struct instant){ now }, &err),
					0);
				ask.is_forced = false;
				continue;
			}
			issue(&ledger, &cert, LEDGER_ARI, now, SECONDS(life));
			times[n++] = now;
		}
		ledger_done(&ledger);
	}
}

/* The quickest renewal that the plan makes is never hindered: a sixteenth of a life, for ever. */
TEST(ceiling_lets_every_plan_through)
{
	char *names[] = { "a.example" };
	struct cert_conf cert = cert_of(names, 1), rsa = cert;
	struct ledger_ask ask = { .cert = &cert, .kind = LEDGER_RENEWAL };
	struct err err;

	rsa.key = "rsa:2048";
	for (int64_t life = 16; life < 90 * 86400; life = life * 3 / 2 + 1) {
		struct ledger ledger;

		ledger_init(&ledger, false);
		for (int64_t i = 0, now = T0; i < 20; i++, now += life / 16) {
			if (life / 16 < 86400 / 5)
				CHECK_INT(ledger_check(
						  &ledger, &ask, (struct instant){ now }, &err),
					0);
			issue(&ledger, &cert, LEDGER_RENEWAL, now, SECONDS(life));
			issue(&ledger, &rsa, LEDGER_RENEWAL, now, SECONDS(life));
		}
		ledger_done(&ledger);
	}
}

TEST(what_is_exempt)
{
	char *names[] = { "www.example.co.uk", "www.other.org" };
	struct cert_conf cert = cert_of(names, 2);
	struct ledger_ask ask = { .cert = &cert };
	struct instant now = { T0 };
	struct ledger ledger;
	struct err err;

	ledger_init(&ledger, true);
	for (int i = 0; i < 5; i++)
		issue(&ledger, &cert, LEDGER_RENEWAL, T0 - DAYS(1).s, DAYS(90));
	/* Five for exactly these names: only within the CA's window may there be another. */
	CHECK(ledger_check(&ledger, &ask, now, &err) < 0);
	CHECK(strstr(err.text, "5 certificates for exactly these names in 7d is used up"));
	ask.kind = LEDGER_RENEWAL;
	CHECK(ledger_check(&ledger, &ask, (struct instant){ T0 - DAYS(1).s + 120959 }, &err) <
		0);
	CHECK_INT(err.not_before.s, T0 - DAYS(1).s + 120960);
	CHECK_INT(
		ledger_check(&ledger, &ask, (struct instant){ T0 - DAYS(1).s + 120960 }, &err),
		0);
	ask.kind = LEDGER_ARI;
	CHECK_INT(ledger_check(&ledger, &ask, now, &err), 0);
	ledger_done(&ledger);

	/* Fifty of another set below the same apex: a renewal passes, a new one does not. */
	ledger_init(&ledger, true);
	for (int i = 0; i < 50; i++) {
		char name[32], *one[] = { name };
		struct cert_conf new = cert_of(one, 1);

		snprintf(name, sizeof(name), "w%d.example.co.uk", i);
		issue(&ledger, &new, LEDGER_NEW, T0, DAYS(90));
	}
	ask.kind = LEDGER_NEW;
	CHECK(ledger_check(&ledger, &ask, now, &err) < 0);
	CHECK(strstr(err.text, "50 certificates of the registered domain example.co.uk in 7d"));
	CHECK_INT(err.not_before.s, T0 + 12096);
	CHECK_INT(ledger_check(&ledger, &ask, (struct instant){ T0 + 12096 }, &err), 0);
	ask.kind = LEDGER_RENEWAL;
	CHECK_INT(ledger_check(&ledger, &ask, now, &err), 0);
	ledger.has_limits = false;
	ask.kind = LEDGER_NEW;
	CHECK_INT(ledger_check(&ledger, &ask, now, &err), 0);
	ledger_done(&ledger);
}

/* A crowd that is refused for the account's limit is told to come one by one. */
TEST(each_in_its_turn)
{
	char *names[] = { "a.example" };
	struct cert_conf cert = cert_of(names, 1);
	struct ledger_ask ask = { .cert = &cert, .kind = LEDGER_NEW, .wants_turn = true };
	struct ledger_entry order = { .what = LEDGER_ORDER, .at = { T0 } };
	struct ledger ledger;
	struct err err;

	ledger_init(&ledger, true);
	identity_of(names, 1, order.id);
	for (int i = 0; i < 300; i++) {
		CHECK_INT(ledger_check(&ledger, &ask, order.at, &err), 0);
		ledger_note(&ledger, &order);
	}
	for (int i = 0; i < 700; i++) {
		CHECK(ledger_check(&ledger, &ask, order.at, &err) < 0);
		CHECK_INT(err.not_before.s, T0 + 36 * (i + 1));
	}
	for (int i = 0; i < 700; i++) {
		order.at.s = T0 + 36 * (i + 1);
		CHECK_INT(ledger_check(&ledger, &ask, order.at, &err), 0);
		ledger_note(&ledger, &order);
	}
	ledger_done(&ledger);
}

TEST(counts_failures)
{
	char *names[] = { "a.example", "b.example" }, *turned[] = { "b.example", "a.example" };
	struct cert_conf cert = cert_of(names, 2), renamed = cert_of(turned, 2);
	struct ledger_entry entry = { .what = LEDGER_FAILED, .at = { T0 } };
	struct ledger_entry other = { .what = LEDGER_FAILED, .at = { T0 } };
	struct buf text AUTO_BUF = BUF_INIT;
	char at[INSTANT_TEXT_LEN];
	struct ledger ledger;
	struct failure failure;

	ledger_init(&ledger, false);
	entry.code = ERR_BAD_CERT;
	ledger_entry_about(&entry, &cert, NULL);
	identity_of(names, 1, other.id);
	for (int i = 0; i < 3; i++) {
		ledger_note(&ledger, &entry);
		ledger_note(&ledger, &other);
		entry.at.s += 60;
	}
	failure = ledger_failure(&ledger, &renamed);
	CHECK_INT(failure.tries, 3);
	CHECK_INT(failure.code, ERR_BAD_CERT);
	CHECK_INT(failure.first.s, T0);
	CHECK_INT(failure.last.s, T0 + 120);
	/* With another configuration the count begins anew; it is kept, so a restart knows it. */
	cert.issue_digest = 7;
	entry.digest = 6;
	ledger_note(&ledger, &entry);
	CHECK_INT(ledger_failure(&ledger, &renamed).tries, 4);
	ledger_entry_about(&entry, &cert, NULL);
	ledger_note(&ledger, &entry);
	failure = ledger_failure(&ledger, &renamed);
	CHECK_INT(failure.tries, 1);
	CHECK(failure.digest == 7);
	line_add_word(&text, instant_text(entry.at, at));
	ledger_entry_write(&entry, &text);
	line_end(&text);
	ledger_done(&ledger);
	ledger_init(&ledger, false);
	ledger_read(&ledger, buf_text(&text), text.len, entry.at);
	CHECK(ledger_failure(&ledger, &renamed).digest == 7);
	issue(&ledger, &cert, LEDGER_NEW, T0 + 200, DAYS(1));
	CHECK_INT(ledger_failure(&ledger, &renamed).code, ERR_NONE);
	ledger_done(&ledger);
}

/* The file may hold anything: what is not ours is passed over, what is old has no weight. */
TEST(reads_what_it_can)
{
	static const char text[] =
		"2026-11-21T10:15:00Z what=failed id=00112233445566778899aabbccddeeff "
		"code=bad-cert\n"
		"garbage\n\n"
		"2026-11-21T10:15:00Z what=dance id=00112233445566778899aabbccddeeff\n"
		"2026-11-21T10:15:00Z what=failed id=short code=bad-cert\n"
		"yesterday what=failed id=00112233445566778899aabbccddeeff\n"
		"2026-11-01T10:15:00Z what=failed id=00112233445566778899aabbccddeeff\n"
		"2026-11-21T10:15:00Z what=order id=00112233445566778899aabbccddeeff kind=odd\n"
		"2026-11-21T10:15:01Z what=failed id=00112233445566778899aabbccddeeff "
		"code=of-later\n"
		"2026-11-21T10:15:02Z what=failed id=00112233445566778899aabbccddeeff";
	struct ledger ledger;
	struct ledger_use use;

	ledger_init(&ledger, true);
	ledger_read(&ledger, text, strlen(text), (struct instant){ T0 + 10 });
	CHECK_INT(ledger.sets.n, 1);
	CHECK(ledger_account_use(&ledger, (struct instant){ T0 + 10 }, &use));
	CHECK_INT(use.used, 0);
	ledger_done(&ledger);
}

/* A daemon that runs for years keeps only what matters. */
TEST(forgets)
{
	struct ledger ledger;

	ledger_init(&ledger, true);
	for (int64_t i = 0; i < 5000; i++) {
		char name[32], *names[] = { name };
		struct cert_conf cert = cert_of(names, 1);

		snprintf(name, sizeof(name), "n%d.d%d.example", (int)i, (int)i);
		issue(&ledger, &cert, LEDGER_NEW, T0 + i * 3600, DAYS(90));
	}
	CHECK(ledger.sets.n + ledger.buckets.n + ledger.ceilings.n < 2000);
	CHECK(ledger.ceilings.n >= 24 * 8);
	ledger_done(&ledger);
}

/* A clock that was set back closes nothing for longer than the limit's own time. */
TEST(clock_set_back)
{
	char *names[] = { "a.example" };
	struct cert_conf cert = cert_of(names, 1);
	struct ledger_ask ask = { .cert = &cert, .kind = LEDGER_RENEWAL };
	struct instant now = { T0 - DAYS(900).s };
	struct ledger ledger;
	struct err err;

	ledger_init(&ledger, true);
	for (int i = 0; i < 5; i++)
		issue(&ledger, &cert, LEDGER_RENEWAL, T0, DAYS(90));
	CHECK(ledger_check(&ledger, &ask, now, &err) < 0);
	CHECK(err.not_before.s <= now.s + DAYS(7).s);
	ledger_done(&ledger);
}
