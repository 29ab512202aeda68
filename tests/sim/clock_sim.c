/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "lib/task/loop_virtual.h"
#include "tests/sim/acme.h"

/*
 * A wall clock that cannot be trusted: suspend, 1970, 2038, eighty days to either side and back, each while the
 * daemon runs and over a restart.  The CA keeps the true time; the kernel holds its clock for synchronised no more
 * once it was set.
 */

enum { N = 30 };

#define LOCAL "example.com/local"

static struct fake_acme *begin(struct sim *sim)
{
	struct buf config AUTO_BUF = BUF_INIT;
	struct fake_acme *a;

	buf_add_text(&config, ONE_CA);
	buf_add_text(&config, "  root: {type: local, issuer: ca/root, lifetime: 90d}\n");
	buf_add_text(&config, "groups:\n  ca:\n    root: {ca: self, subject: {CN: Root}, "
			      "lifetime: 3650d, key: ed25519}\n  example.com:\n"
			      "    local: {ca: root, names: [local.example.com], keep: 0}\n");
	for (unsigned i = 0; i < N; i++)
		buf_printf(&config, "    c%02u: {ca: a, names: [c%u.example.com]}\n", i, i);
	sim_open(sim, buf_text(&config), 1);
	a = sim_acme(sim, A_TEST);
	fake_acme_knobs(a)->has_renewal_info = true;
	fake_acme_knobs(a)->ask_again = DAYS(1);
	sim_advance(sim, HOURS(1));
	sim_rest(sim, MINUTES(5));
	sim->may_expire = sim->may_roll = sim->may_go_back = true;
	return a;
}

/* The clock is set to `wall`; the CA stays where it was. */
static void set_clock(struct sim *sim, struct fake_acme *a, struct instant wall, bool restart)
{
	struct duration by = instant_since(wall, clock_now());

	fake_acme_knobs(a)->clock_ahead = SECONDS(fake_acme_knobs(a)->clock_ahead.s - by.s);
	virtual_synced(false);
	if (restart)
		sim_kill(sim);
	sim_set_clock(sim, wall);
	if (restart) {
		sim->n_restarts++;
		sim_start(sim);
	}
}

static size_t versions(struct sim *sim, const char *cert)
{
	char *command AUTO_FREE = mem_printf("versions %s", cert);
	const char *at = sim_command(sim, command);
	size_t n = 0;

	for (; (at = strstr(at, "row ")); at++)
		n++;
	return n;
}

static const struct {
	const char *text;
	int64_t by_days; /* 0: to `wall` */
	int64_t wall;
} leaps[] = {
	{ "+80 d", 80, 0 },
	{ "-80 d", -80, 0 },
	{ "1970", 0, 86400 },
	{ "2038", 0, INT64_C(2147483648) },
};

/* Nothing in bulk, nothing is deleted, `why` tells; and with the right time everything is as it was. */
TEST(a_clock_that_leaps_orders_nothing_in_bulk)
{
	for (size_t i = 0; i < ARRAY_LEN(leaps); i++)
		for (int restart = 0; restart < 2; restart++) {
			struct sim sim;
			struct fake_acme *a = begin(&sim);
			const struct acme_counts *counts = fake_acme_counts(a);
			unsigned n_orders = counts->n_orders;
			size_t n_rolled = sim_count(&sim, EVENT_CERT_ROLLED, NULL);
			size_t n_local = versions(&sim, LOCAL);
			struct instant right = clock_now();
			struct instant wall =
				leaps[i].by_days ? instant_add(right, DAYS(leaps[i].by_days))
						 : (struct instant){ leaps[i].wall };
			int before = test_failures;

			CHECK_INT(sim_count(&sim, EVENT_CLOCK_DOUBTED, NULL), 0);
			set_clock(&sim, a, wall, restart);
			sim_advance(&sim, HOURS(6));
			CHECK_INT(sim_count(&sim, EVENT_CLOCK_DOUBTED, NULL) > 0, 1);
			/* One order per CA may try; the try may roll. */
			CHECK(counts->n_orders <= n_orders + 1);
			CHECK(sim_count(&sim, EVENT_CERT_ROLLED, NULL) <= n_rolled + 1);
			CHECK_INT(versions(&sim, LOCAL), n_local);
			if (!strstr(sim_command(&sim, "why " LOCAL), "is not trusted: "))
				TEST_FAIL("%s", buf_text(&sim.said));
			CHECK(strstr(
				sim_command(&sim, "prune " LOCAL " keep=0"), "error=clock"));
			if (leaps[i].by_days > 0) {
				CHECK(strstr(sim_command(&sim, "status " LOCAL), "why=clock"));
				CHECK(strstr(
					sim_command(&sim, "renew " LOCAL), "err too-early"));
			}
			/* And back. */
			set_clock(&sim, a, instant_add(right, HOURS(6)), restart);
			sim_advance(&sim, HOURS(6));
			CHECK(counts->n_orders <= n_orders + 2);
			CHECK(!strstr(sim_command(&sim, "why " LOCAL), "is not trusted: "));
			CHECK(!strstr(sim_command(&sim, "prune " LOCAL " keep=0"), "error="));
			sim_advance(&sim, HOURS(2));
			sim_rest(&sim, MINUTES(10));
			if (test_failures != before)
				printf("# %s, restart %d\n", leaps[i].text, restart);
			sim_close(&sim);
		}
}

/* Time that has passed is no doubt: everything is due, and is done. */
TEST(a_long_suspend_is_no_doubt)
{
	for (int restart = 0; restart < 2; restart++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim);
		const struct acme_counts *counts = fake_acme_counts(a);

		virtual_synced(false);
		if (restart)
			sim_kill(&sim);
		sim_suspend(&sim, DAYS(80));
		if (restart)
			sim_start(&sim);
		sim_advance(&sim, MINUTES(30));
		CHECK_INT(counts->n_issued, 2 * N);
		CHECK(!strstr(sim_command(&sim, "why " LOCAL), "is not trusted: "));
		sim_rest(&sim, MINUTES(5));
		sim_close(&sim);
	}
}

/* An operator who knows better is obeyed. */
TEST(an_operator_may_order_by_a_doubted_clock)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim);
	unsigned n_issued = fake_acme_counts(a)->n_issued;

	set_clock(&sim, a, instant_add(clock_now(), DAYS(80)), false);
	sim_advance(&sim, HOURS(2));
	n_issued = fake_acme_counts(a)->n_issued;
	CHECK(strstr(sim_command(&sim, "renew example.com/c07 --force"), "overrides="));
	sim_advance(&sim, MINUTES(5));
	CHECK_INT(fake_acme_counts(a)->n_issued, n_issued + 1);
	sim_close(&sim);
}

/* What the kernel says after the clock was set by hand, and set right by a time service. */
TEST(a_kernel_that_is_synchronised_ends_a_doubt)
{
	struct sim sim;

	begin(&sim);
	virtual_synced(false);
	internet_down(&sim.internet, A_TEST, true);
	sim_kill(&sim);
	sim_set_clock(&sim, (struct instant){ 86400 });
	sim_start(&sim);
	sim_advance(&sim, MINUTES(5));
	CHECK(strstr(sim_command(&sim, "why " LOCAL), "did not exist"));
	sim_set_clock(&sim, instant_add(SIM_START, HOURS(2)));
	virtual_synced(true);
	sim_advance(&sim, MINUTES(2));
	CHECK(!strstr(sim_command(&sim, "why " LOCAL), "is not trusted: "));
	CHECK(sim_count(&sim, EVENT_CLOCK_TRUSTED, NULL) > 0);
	sim_close(&sim);
}
