/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/* Who goes first where many wait, and limits that many meet at once. */

#define LIMITED_CA                                                                             \
	ACME_DAEMON                                                                            \
	"cas:\n  a: {type: acme, directory: 'https://a.test/dir', terms_agreed: true, "        \
	"challenge: http-01, limits: letsencrypt}\n"

#define URGENT "example.com/z"
#define URGENT_CERT "    z: {ca: a, names: [z.example.com]}\n"

enum { IN_FLIGHT = 16, LIFE_H = 20 };

/* `names` holds one %u. */
static void add_certs(struct buf *config, unsigned n, const char *names)
{
	buf_add_text(config, "groups:\n  example.com:\n");
	for (unsigned i = 0; i < n; i++) {
		buf_printf(config, "    c%03u: {ca: a, names: [", i);
		for (const char *at = names; *at; at++) {
			if (*at == '#')
				buf_printf(config, "%u", i);
			else
				buf_add_char(config, *at);
		}
		buf_add_text(config, "]}\n");
	}
}

static struct fake_acme *begin(struct sim *sim, const char *config)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	return acme;
}

/* So many others were issued since event number `from` before this one was. */
static size_t rank(const struct sim *sim, size_t from, const char *cert)
{
	size_t n = 0;

	for (size_t i = from; i < sim->n_events; i++) {
		const struct sim_event *e = &sim->events[i];

		if (e->event != EVENT_CERT_ISSUED)
			continue;
		if (str_is(e->cert, cert))
			return n;
		n++;
	}
	return SIZE_MAX;
}

enum moment { AT_START, AFTER_RELOAD, BEHIND_A_BATCH, IN_A_BATCH, MOMENTS };

/* One with ten hours left and three hundred others, which come after it in the configuration's order. */
TEST(who_ends_first_goes_first)
{
	enum { N = 150 };
	struct buf many AUTO_BUF = BUF_INIT;

	buf_add_text(&many, ONE_CA);
	add_certs(&many, N, "c#.example.com");
	buf_add_text(&many, URGENT_CERT);
	for (int moment = AT_START; moment < MOMENTS; moment++) {
		bool is_batch = moment == BEHIND_A_BATCH || moment == IN_A_BATCH;
		struct sim sim;
		struct fake_acme *a =
			begin(&sim, is_batch ? buf_text(&many)
					     : ONE_CA "groups:\n  example.com:\n" URGENT_CERT);
		size_t from;

		if (is_batch) {
			fake_acme_refuse(a, "z.example.com");
			sim_advance(&sim, HOURS(1));
			fake_acme_forgive(a);
		}
		fake_acme_knobs(a)->cert_life = HOURS(LIFE_H);
		sim_until(&sim, EVENT_CERT_ROLLED, URGENT, DAYS(1));
		sim_rest(&sim, MINUTES(5));
		fake_acme_knobs(a)->cert_life = DAYS(90);
		from = sim.n_events;
		if (moment == AT_START)
			sim_suspend(&sim, SECONDS(LIFE_H * 1800 + 300));
		if (moment == AT_START) {
			sim_kill(&sim);
			free(sim.config);
			sim.config = mem_strdup(buf_text(&many));
			from = sim.n_events;
			sim_start(&sim);
		} else if (moment == AFTER_RELOAD) {
			sim_reload(&sim, buf_text(&many));
			sim_advance(&sim, SECONDS(0));
			sim_suspend(&sim, SECONDS(LIFE_H * 1800 + 300));
		} else if (moment == BEHIND_A_BATCH) {
			sim_command(&sim, "renew example.com/c* --force");
			sim_suspend(&sim, SECONDS(LIFE_H * 1800 + 300));
		} else {
			sim_command(&sim, "renew example.com --force");
		}
		sim_until(&sim, EVENT_CERT_ISSUED, URGENT, HOURS(1));
		/* Those that run already are not stopped. */
		if (rank(&sim, from, URGENT) > (moment == AT_START || moment == IN_A_BATCH
							       ? IN_FLIGHT
							       : 2 * IN_FLIGHT))
			TEST_FAIL("moment %d: %zu others were issued before", moment,
				rank(&sim, from, URGENT));
		sim_close(&sim);
	}
}

/* The limits of limits.def, each met by a burst, while it runs and over a restart in the middle of it. */
TEST(no_burst_passes_a_limit)
{
	static const struct {
		const char *names;
		unsigned n, limit, token_s;
		bool is_refused;
	} rows[] = {
		{ "c#.example.com", 60, 50, 12096, false },
		{ "c#.org", 364, 300, 36, false },
		{ "w.example.com", 9, 5, 120960, false },
		{ "w.example.com, w#.example.net", 9, 5, 720, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int restart = 0; restart < 2 && rows[i].n; restart++) {
			struct buf config AUTO_BUF = BUF_INIT;
			struct sim sim;
			struct fake_acme *a;
			const struct acme_counts *counts;
			unsigned most, n;

			buf_add_text(&config, LIMITED_CA);
			add_certs(&config, rows[i].n, rows[i].names);
			a = begin(&sim, buf_text(&config));
			counts = fake_acme_counts(a);
			if (rows[i].is_refused)
				fake_acme_refuse(a, "w.example.com");
			if (restart) {
				sim_advance(&sim, SECONDS(2));
				sim_restart(&sim);
			}
			sim_advance(&sim, MINUTES(10));
			most = rows[i].limit + 600 / rows[i].token_s;
			n = rows[i].is_refused ? counts->n_invalid : counts->n_orders;
			if (n > most || n < rows[i].limit)
				TEST_FAIL("row %zu, restart %d: %u instead of %u", i, restart,
					n, most);
			sim_close(&sim);
		}
}

/* What was reserved and not used is free again. */
TEST(what_is_reserved_in_vain_is_given_back)
{
	enum { N = 60 };
	struct buf config AUTO_BUF = BUF_INIT;
	struct sim sim;
	struct fake_acme *a;

	buf_add_text(&config, LIMITED_CA);
	add_certs(&config, N, "c#.example.com");
	a = begin(&sim, buf_text(&config));
	fake_acme_trouble(a, ASK_NEW_ORDER, 400, "rejectedIdentifier", 0, 20);
	sim_advance(&sim, HOURS(1));
	CHECK_INT(fake_acme_counts(a)->n_issued, 50);
	sim_close(&sim);
}

/* Refusals that speak for one CA alone: the next one of the list is asked, and each renewal begins with the first. */
TEST(what_only_one_ca_refuses_another_one_gives)
{
	static const struct {
		const char *caa, *type;
		enum acme_ask ask;
		bool is_other;
	} rows[] = {
		{ "0 issue \"b.test\"", NULL, ASK_COUNT, true },
		{ NULL, "caa", ASK_NEW_ORDER, true },
		{ NULL, "rejectedIdentifier", ASK_NEW_ORDER, true },
		{ NULL, "unsupportedIdentifier", ASK_NEW_ORDER, true },
		{ NULL, "invalidProfile", ASK_NEW_ORDER, true },
		{ NULL, "malformed", ASK_NEW_ORDER, true },
		{ NULL, "externalAccountRequired", ASK_NEW_ACCOUNT, true },
		/* After the order it is about the name, or the request. */
		{ NULL, "badCSR", ASK_FINALIZE, false },
		{ "0 issue \"c.test\"", NULL, ASK_COUNT, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim,
			ACME_DAEMON DNS_OF("extra_nameservers: []",
				"default: " DNS_PUBLISH) "cas:\n" ACME_CA("a", "http-01")
				ACME_CA("b", "tls-alpn-01") WEB_OF("[a, b]") FRONT);
		struct fake_acme *b = sim_acme(&sim, B_TEST);

		fake_acme_knobs(a)->identity = "a.test";
		fake_acme_knobs(b)->identity = "b.test";
		if (rows[i].caa)
			wires_add(&sim.wires, "example.com", DNS_CAA, rows[i].caa);
		if (rows[i].type)
			fake_acme_trouble(a, rows[i].ask, 400, rows[i].type, 0, -1);
		sim_advance(&sim, MINUTES(2));
		if (fake_acme_counts(b)->n_issued != rows[i].is_other)
			TEST_FAIL("row %zu: %u issued by the other CA", i,
				fake_acme_counts(b)->n_issued);
		CHECK_INT(fake_acme_counts(a)->n_issued, 0);
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), !rows[i].is_other);
		CHECK_INT(sim_count(&sim, EVENT_ACME_FAILOVER, WEB) > 0,
			rows[i].is_other || rows[i].caa);
		sim_close(&sim);
	}
}

/* What holds a renewal is the answer, with its end; a renewal that is not due is no failure. */
TEST(a_renewal_that_is_held_is_refused)
{
	static const struct {
		int status;
		const char *type;
		int64_t retry_s;
		const char *plain, *forced;
	} rows[] = {
		{ 403, "rejectedIdentifier", 0, "err too-early ", "overrides=" },
		{ 500, "serverInternal", 0, "err too-early ", "overrides=" },
		{ 503, "serverInternal", 7200, "err too-early ", "overrides=" },
		{ 429, "rateLimited", 7200, "err rate-limited ",
			"err rate-limited \"example.com/web: the CA a: asking again earlier" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
		const char *said;

		fake_acme_trouble(
			a, ASK_NEW_ORDER, rows[i].status, rows[i].type, rows[i].retry_s, -1);
		sim_until(&sim, EVENT_CERT_FAILED, WEB, HOURS(1));
		sim_rest(&sim, MINUTES(1));
		said = sim_command(&sim, "renew " WEB);
		if (!strstr(said, rows[i].plain) || !strstr(said, ", until 2026-06-01T"))
			TEST_FAIL("row %zu: %s", i, said);
		said = sim_command(&sim, "renew " WEB " --force");
		if (!strstr(said, rows[i].forced))
			TEST_FAIL("row %zu: %s", i, said);
		if (rows[i].status == 429)
			CHECK(strstr(said, "--force does not override"));
		else
			CHECK(strstr(said, "ok job="));
		fake_acme_forgive(a);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(8));
		sim_rest(&sim, MINUTES(1));
		CHECK(strstr(sim_command(&sim, "renew " WEB), "ok rows=1"));
		sim_close(&sim);
	}
}

/* certd's own count of a limit is told before a job begins, not by its failure. */
TEST(a_limit_that_is_known_refuses_before_a_job_begins)
{
	struct buf config AUTO_BUF = BUF_INIT;
	struct sim sim;
	const char *said;

	buf_add_text(&config, LIMITED_CA);
	add_certs(&config, 7, "w.example.com");
	begin(&sim, buf_text(&config));
	sim_advance(&sim, MINUTES(1));
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_issued, 5);
	said = sim_command(&sim, "renew example.com");
	if (!strstr(said, "err rate-limited") || !strstr(said, ", until 2026-06-0"))
		TEST_FAIL("%s", said);
	said = sim_command(&sim, "renew example.com --force");
	if (!strstr(said, "err rate-limited") ||
		!strstr(said, "--force does not override a limit of a CA"))
		TEST_FAIL("%s", said);
	sim_close(&sim);
}
