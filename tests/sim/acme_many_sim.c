/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/* Many certificates at one ACME CA. */

static void add_certs(struct buf *config, unsigned n, const char *cas)
{
	buf_add_text(config, "groups:\n  example.com:\n");
	for (unsigned i = 0; i < n; i++)
		buf_printf(config, "    c%u: {ca: %s, names: [c%u.example.com]}\n", i, cas, i);
}

static struct fake_acme *begin(struct sim *sim, const char *head, unsigned n, const char *cas)
{
	struct buf config AUTO_BUF = BUF_INIT;
	struct fake_acme *acme;

	buf_add_text(&config, head);
	add_certs(&config, n, cas);
	sim_open(sim, buf_text(&config), 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	return acme;
}

TEST(sixty_nonces_of_a_hundred_are_rejected)
{
	enum { N = 20 };
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA, N, "a");
	const struct acme_counts *counts = fake_acme_counts(a);

	fake_acme_knobs(a)->nonces_rejected = 60;
	fake_acme_knobs(a)->always_asks_again = true;
	sim_advance(&sim, MINUTES(5));
	sim_rest(&sim, MINUTES(5));
	sim_expect_settled(&sim);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	CHECK_INT(counts->n_orders, N);
	CHECK_INT(counts->n_issued, N);
	CHECK(counts->n_rejected > N);
	sim_close(&sim);
}

TEST(what_fails_delays_nobody)
{
	enum { N = 12, BAD = 3 };
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA, N, "a");

	for (unsigned i = 0; i < BAD; i++) {
		char name[40];

		snprintf(name, sizeof(name), "c%u.example.com", i);
		fake_acme_refuse(a, name);
	}
	sim_advance(&sim, MINUTES(1));
	CHECK_INT(fake_acme_counts(a)->n_issued, N - BAD);
	/* For ever is no problem either. */
	sim_advance(&sim, DAYS(62));
	CHECK_INT(fake_acme_counts(a)->n_issued, 2 * (N - BAD));
	CHECK(fake_acme_counts(a)->n_orders <= 2 * (N - BAD) + BAD * (62 + 8));
	fake_acme_forgive(a);
	sim_advance(&sim, HOURS(25));
	sim_rest(&sim, MINUTES(5));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_ca_that_is_down_is_probed_gently)
{
	unsigned n = sim_is_long() ? 200 : 80, asked;
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA, n, "a");

	internet_down(&sim.internet, A_TEST, true);
	sim_advance(&sim, DAYS(2));
	asked = internet_asked(&sim.internet, A_TEST);
	printf("# %u requests to a CA that was down for two days\n", asked);
	/* A probe every half an hour, and what ran when it went down. */
	CHECK(asked >= 48);
	CHECK(asked <= 500);
	CHECK(sim_count(&sim, EVENT_ACME_DOWN, NULL) >= 1);
	internet_down(&sim.internet, A_TEST, false);
	/* The next probe comes within half an hour; those that were probes lately wait an hour at most. */
	sim_advance(&sim, MINUTES(75));
	CHECK_INT(fake_acme_counts(a)->n_issued, n);
	CHECK_INT(fake_acme_counts(a)->n_orders, n);
	sim_rest(&sim, MINUTES(5));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* The way to the CA was mended, which only the operator knows. */
TEST(a_ca_that_is_down_is_asked_at_once_for_an_operator)
{
	enum { N = 10 };
	static const char *const commands[] = { NULL, "renew example.com/c3" };

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA, N, "a");

		internet_down(&sim.internet, A_TEST, true);
		sim_advance(&sim, DAYS(2));
		internet_down(&sim.internet, A_TEST, false);
		if (commands[i])
			CHECK(strstr(sim_command(&sim, commands[i]), "ok job="));
		else
			CHECK_INT(sim_reload(&sim, sim.config), 0);
		sim_advance(&sim, SECONDS(15));
		CHECK(fake_acme_counts(a)->n_issued >= 1);
		sim_advance(&sim, MINUTES(75));
		CHECK_INT(fake_acme_counts(a)->n_issued, N);
		sim_rest(&sim, MINUTES(5));
		sim_close(&sim);
	}
}

/* Errors that are no outage: one CA breaks each in its own way for two days. */
TEST(what_a_ca_does_wrong_for_days_is_over_within_an_hour)
{
	static const struct {
		enum acme_ask ask;
		int status;
		const char *type;
	} rows[] = { { ASK_DIRECTORY, 503, "serverInternal" },
		{ ASK_NEW_ACCOUNT, 502, "serverInternal" },
		{ ASK_NEW_ORDER, 500, "serverInternal" } };
	enum { N = 12 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA, N, "a");

		fake_acme_trouble(a, rows[i].ask, rows[i].status, rows[i].type, 0, -1);
		sim_advance(&sim, DAYS(2));
		CHECK(fake_acme_counts(a)->n_asked[rows[i].ask] <= 1000);
		printf("# %u requests\n", fake_acme_counts(a)->n_asked[rows[i].ask]);
		fake_acme_forgive(a);
		sim_advance(&sim, MINUTES(75));
		CHECK_INT(fake_acme_counts(a)->n_issued, N);
		sim_rest(&sim, MINUTES(5));
		sim_expect_settled(&sim);
		sim_close(&sim);
	}
}

/* Twelve orders wait for one look at the directory. */
TEST(what_many_wait_for_fails_once)
{
	enum { N = 12 };
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA, N, "a");

	fake_acme_trouble(a, ASK_DIRECTORY, 500, "serverInternal", 0, 3);
	sim_advance(&sim, SECONDS(30));
	CHECK_INT(fake_acme_counts(a)->n_asked[ASK_DIRECTORY], 3);
	CHECK_INT(sim_count(&sim, EVENT_ACME_DOWN, NULL), 0);
	CHECK(strstr(sim_command(&sim, "accounts"), "health=down") == NULL);
	sim_advance(&sim, MINUTES(2));
	CHECK_INT(fake_acme_counts(a)->n_issued, N);
	sim_close(&sim);
}

TEST(a_ca_that_comes_back_gets_what_has_another_slowly)
{
	enum { N = 12 };
	struct sim sim;
	struct fake_acme *a = begin(&sim, TWO_CAS, N, "[a, b]"), *b;

	b = sim_acme(&sim, B_TEST);
	fake_acme_knobs(b)->has_renewal_info = true;
	fake_acme_knobs(b)->ask_again = DAYS(1);
	internet_down(&sim.internet, A_TEST, true);
	sim_advance(&sim, MINUTES(30));
	CHECK_INT(fake_acme_counts(b)->n_issued, N);
	internet_down(&sim.internet, A_TEST, false);
	sim_advance(&sim, DAYS(62));
	sim_rest(&sim, MINUTES(5));
	sim_expect_settled(&sim);
	CHECK_INT(fake_acme_counts(a)->n_issued + fake_acme_counts(b)->n_issued, 2 * N);
	CHECK(fake_acme_counts(a)->n_issued > N / 2);
	sim_close(&sim);
}
