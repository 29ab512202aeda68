/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "daemon/keeper/store/store_file.h"
#include "tests/sim/acme.h"

/* Orders that cannot go on as they are: each is forgotten, and a new one gives the certificate. */

#define KEYS "certs/" WEB "/keys"

static struct fake_acme *begin(struct sim *sim, const char *config)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	return acme;
}

static void settle(struct sim *sim)
{
	sim_rest(sim, MINUTES(5));
	sim_expect_settled(sim);
}

struct spoiling {
	struct sim *sim;
	bool is_lost;
	unsigned n;
};

static void spoil_one(const char *name, struct instant changed, void *data)
{
	struct spoiling *spoiling = data;
	char *path AUTO_FREE = mem_printf(KEYS "/%s", name);
	struct err err;

	(void)changed;
	spoiling->n++;
	if (spoiling->is_lost)
		CHECK_INT(store_file_remove(spoiling->sim->store, path, &err), 0);
	else
		CHECK_INT(store_file_write(spoiling->sim->store, path, "x", 1, &err), 0);
}

/* The pending key is lost, or its file is damaged. */
static void spoil_keys(struct sim *sim, bool is_lost)
{
	struct spoiling spoiling = { sim, is_lost, 0 };
	struct err err;

	CHECK_INT(store_file_list(sim->store, KEYS, spoil_one, &spoiling, &err), 0);
	CHECK_INT(spoiling.n, 1);
}

static bool steps_until(struct sim *sim, bool (*is_there)(const struct acme_counts *counts),
	const struct acme_counts *counts)
{
	struct instant limit = instant_add(clock_now(), MINUTES(10));

	while (!is_there(counts))
		if (!sim_step(sim, limit))
			return false;
	return true;
}

static bool is_finalized(const struct acme_counts *counts)
{
	return counts->n_finalized > 0;
}

/* The daemon dies after finalize, and its key is gone or damaged when it comes back. */
TEST(an_order_without_its_key_is_forgotten)
{
	static const struct {
		bool is_lost;
		int64_t issue_ms; /* 0: it is valid at the next look */
	} rows[] = { { true, 0 }, { false, 0 }, { true, 600 * 1000 }, { false, 600 * 1000 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
		int before = test_failures;

		fake_acme_knobs(a)->may_waste = true;
		fake_acme_knobs(a)->issue_ms = rows[i].issue_ms;
		CHECK(steps_until(&sim, is_finalized, fake_acme_counts(a)));
		spoil_keys(&sim, rows[i].is_lost);
		fake_acme_knobs(a)->issue_ms = 1000;
		sim_restart(&sim);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
		settle(&sim);
		CHECK_INT(fake_acme_counts(a)->n_orders, 2);
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), 0);
		CHECK_INT(sim_count(&sim, EVENT_ACME_DROPPED, NULL),
			rows[i].issue_ms == 0 || !rows[i].is_lost);
		sim_close(&sim);
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

/* What the CA hands out for a new order is one that it issued already, for a key that we do not have. */
TEST(an_old_order_in_the_place_of_a_new_one)
{
	for (unsigned n = 1; n <= 4; n += 3) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

		fake_acme_knobs(a)->may_waste = true;
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
		settle(&sim);
		fake_acme_knobs(a)->n_old = n;
		sim_command(&sim, "renew " WEB " --force");
		if (n == 1) {
			sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(30));
			CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), 0);
		} else {
			sim_until(&sim, EVENT_CERT_FAILED, WEB, SECONDS(30));
			CHECK(strstr(sim_command(&sim, "why " WEB), "with an old one") != NULL);
			CHECK_INT(fake_acme_counts(a)->n_asked[ASK_NEW_ORDER], 1 + 2);
			fake_acme_knobs(a)->n_old = 0;
			sim.may_roll = true;
			sim_command(&sim, "renew " WEB " --force");
			sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(30));
		}
		sim_close(&sim);
	}
}

TEST(an_order_that_the_ca_does_not_know_any_more)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

	fake_acme_knobs(a)->issue_ms = 60 * 1000;
	CHECK(steps_until(&sim, is_finalized, fake_acme_counts(a)));
	fake_acme_knobs(a)->may_waste = true;
	fake_acme_trouble(a, ASK_ORDER, 404, "malformed", 0, 1);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK(strstr(sim_command(&sim, "why " WEB),
		      "does not know the order https://a.test/order/1 "
		      "any more") != NULL);
	fake_acme_knobs(a)->issue_ms = 1000;
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(2));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_orders, 2);
	sim_close(&sim);
}

TEST(an_order_that_stays_processing_says_so)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	const char *why;

	fake_acme_knobs(a)->n_stuck = 1;
	sim_advance(&sim, MINUTES(5));
	why = sim_command(&sim, "why " WEB);
	CHECK(strstr(why, "at the step processing") != NULL);
	CHECK(strstr(why, "The CA a processes the order https://a.test/order/1 since "
			  "2026-06-01T") != NULL);
	CHECK(strstr(why, "looks again at 2026-06-01T00:0") != NULL);
	CHECK(strstr(why, "waits until 2026-06-01T01:0") != NULL);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, HOURS(2));
	why = sim_command(&sim, "why " WEB);
	CHECK(strstr(why, "order/1 at the CA a is still processing, and no time is left") !=
		NULL);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
	settle(&sim);
	sim_close(&sim);
}

/* A CA that asks to be asked at once, or for what is no time, is asked ever more slowly. */
TEST(a_retry_after_that_hurries_is_not_obeyed)
{
	static const char *const values[] = { "0", "Mon, 01 Jan 2024 00:00:00 GMT", "-1",
		"soon", "" };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
		const struct acme_counts *counts = fake_acme_counts(a);
		unsigned before;

		fake_acme_knobs(a)->poll_after = values[i];
		fake_acme_knobs(a)->n_stuck = 1;
		CHECK(steps_until(&sim, is_finalized, counts));
		before = counts->n_asked[ASK_ORDER];
		sim_advance(&sim, MINUTES(1));
		CHECK(counts->n_asked[ASK_ORDER] - before >= 10);
		CHECK(counts->n_asked[ASK_ORDER] - before <= 15);
		sim_close(&sim);
	}
}

TEST(a_ca_in_trouble_that_hurries_is_not_obeyed)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

	fake_acme_trouble(a, ASK_NEW_ORDER, 503, "serverInternal", -1, -1);
	sim_advance(&sim, SECONDS(40));
	CHECK(fake_acme_counts(a)->n_asked[ASK_NEW_ORDER] >= 3);
	CHECK(fake_acme_counts(a)->n_asked[ASK_NEW_ORDER] <= 6);
	sim_close(&sim);
}

/* The connection breaks, or the nonce is rejected, or the CA stumbles: it may have heard of it. */
TEST(finalize_is_not_sent_again_before_a_look)
{
	static const struct {
		int status;
		const char *type;
	} rows[] = { { 400, "badNonce" }, { 500, "serverInternal" }, { 503, "serverInternal" },
		{ 403, "orderNotReady" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

		fake_acme_trouble(a, ASK_FINALIZE, rows[i].status, rows[i].type, 0, 2);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
		settle(&sim);
		CHECK_INT(fake_acme_counts(a)->n_asked[ASK_FINALIZE], 3);
		CHECK_INT(fake_acme_counts(a)->n_finalized, 1);
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), 0);
		sim_close(&sim);
	}
}

/* Weeks are asked for; what is served by nothing is tried the same day. */
TEST(a_retry_after_of_weeks_does_not_hold_what_has_no_version)
{
	static const struct {
		int status;
		const char *type;
	} rows[] = { { 503, "serverInternal" }, { 429, "rateLimited" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

		fake_acme_trouble(
			a, ASK_NEW_ORDER, rows[i].status, rows[i].type, 21 * 86400, 1);
		sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(1));
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(13));
		settle(&sim);
		sim_close(&sim);
	}
}
