/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

/* Nothing fails: certificates live, are renewed, roll and are served, for days or years. */

#define TARGET_WEB                                                                             \
	"targets:\n"                                                                           \
	"  web: {dir: /srv/web, check: [check-web], reload: {command: [reload-web]}}\n"
#define LEAF(name) "    " name ": {ca: int, names: [" name ".example.com], deploy: [web]}\n"

static struct instant end_of(const struct sim *sim, const char *cert)
{
	return sim_facts(sim, cert)->curr.not_after;
}

static struct instant begin_of(const struct sim *sim, const char *cert)
{
	return sim_facts(sim, cert)->curr.not_before;
}

TEST(first_start_brings_everything_up)
{
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("90d", "30d") SIM_CA_GROUP "  example.com:\n" LEAF("web")
			TARGET_WEB,
		1);
	sim_until(&sim, EVENT_CERT_DEPLOYED, "example.com/web", MINUTES(1));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, NULL), 3);
	CHECK_INT(sim_count(&sim, EVENT_CERT_ROLLED, NULL), 3);
	CHECK_INT(sim_count(&sim, EVENT_JOB_DONE, NULL),
		sim_count(&sim, EVENT_JOB_STARTED, NULL));
	sim_close(&sim);
}

/* Looks, packets and commands stay in proportion to what happens; idle days cost nothing. */
static void check_economy(const struct sim *sim)
{
	size_t n_jobs = sim_count(sim, EVENT_JOB_STARTED, NULL);
	const struct fleet *fleet = sim->world.fleet;

	CHECK(n_jobs > 0);
	if (fleet->n_looks > 12 * n_jobs + 4 * fleet->conf->n_certs)
		TEST_FAIL("%ju looks for %zu jobs", (uintmax_t)fleet->n_looks, n_jobs);
	if (keeper_direct_asked(sim->world.keeper) > 8 * n_jobs + 4)
		TEST_FAIL("%u requests for %zu jobs", keeper_direct_asked(sim->world.keeper),
			n_jobs);
}

TEST(four_hundred_days_of_renewals_and_rolls)
{
	static const char *const certs[] = { "ca/int", "example.com/a", "example.com/b",
		"example.com/c", "example.com/d", "example.com/e" };
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("180d", "60d") SIM_CA_GROUP "  example.com:\n" LEAF("a")
			LEAF("b") LEAF("c") LEAF("d") LEAF("e") TARGET_WEB,
		2);
	sim_advance(&sim, DAYS(400));
	sim_expect_settled(&sim);
	CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, "ca/root"), 1);
	for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
		size_t n = sim_count(&sim, EVENT_CERT_ROLLED, certs[i]);

		/* Every 40 of 60 days; after each roll of the CA once more. */
		if (i == 0 ? n < 3 || n > 4 : n < 9 || n > 15)
			TEST_FAIL("%s rolled %zu times", certs[i], n);
		CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, certs[i]), n);
		CHECK_INT(store_memory_added(sim.store, certs[i]), n);
	}
	CHECK_INT(sim_count(&sim, EVENT_CERT_EXPIRING, NULL), 0);
	CHECK_INT(sim_count(&sim, EVENT_CERT_LATE, NULL), 0);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	check_economy(&sim);
	sim_close(&sim);
}

TEST(leaves_follow_the_roll_of_their_ca)
{
	const struct cert_facts *leaf, *ca;
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("90d", "60d") SIM_CA_GROUP "  example.com:\n" LEAF("a")
			LEAF("b") TARGET_WEB,
		3);
	sim_rest(&sim, MINUTES(1));
	sim_until(&sim, EVENT_CERT_ISSUED, "ca/int", DAYS(90));
	sim_until(&sim, EVENT_CERT_ROLLED, "ca/int", DAYS(2));
	sim_advance(&sim, HOURS(3));
	sim_expect_settled(&sim);
	ca = sim_facts(&sim, "ca/int");
	leaf = sim_facts(&sim, "example.com/a");
	CHECK(memcmp(leaf->curr.issuer_spki, ca->curr.spki, 32) == 0);
	CHECK(leaf->curr.created.s >= ca->curr.rolled.s);
	leaf = sim_facts(&sim, "example.com/b");
	CHECK(memcmp(leaf->curr.issuer_spki, ca->curr.spki, 32) == 0);
	sim_close(&sim);
}

TEST(an_hour_of_certificates_that_live_a_minute)
{
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON "defaults: {key: ed25519, roll: {min_age: 5s}}\n"
			   "cas:\n"
			   "  root: {type: local, issuer: ca/root, lifetime: 20m}\n"
			   "  int: {type: local, issuer: ca/int, lifetime: 60s}\n"
			   "groups:\n"
			   "  ca:\n"
			   "    root: {ca: self, subject: {CN: Root}, lifetime: 10d}\n"
			   "    int: {ca: root, subject: {CN: Int}, path_length: 0}\n"
			   "  example.com:\n" LEAF("a") LEAF("b") TARGET_WEB,
		4);
	sim_advance(&sim, MINUTES(60));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	CHECK(sim_count(&sim, EVENT_CERT_ROLLED, "example.com/a") >= 60);
	CHECK(sim_count(&sim, EVENT_CERT_ROLLED, "example.com/a") <= 150);
	CHECK(sim_count(&sim, EVENT_CERT_ROLLED, "ca/int") >= 3);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	CHECK_INT(sim_count(&sim, EVENT_CERT_EXPIRED, NULL), 0);
	CHECK(store_memory_kept(sim.store, "example.com/a") <= 13);
	check_economy(&sim);
	sim_close(&sim);
}

TEST(next_waits_for_its_age_and_for_a_window)
{
	struct instant rolled;
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("900d", "60d") SIM_CA_GROUP
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web],\n"
		"          roll: {min_age: 90m, window: ['Wed 02:00-05:00']}}\n" TARGET_WEB,
		5);
	sim_rest(&sim, MINUTES(1));
	for (int i = 0; i < 4; i++) {
		sim_until(&sim, EVENT_CERT_ISSUED, "example.com/web", DAYS(60));
		sim_until(&sim, EVENT_CERT_ROLLED, "example.com/web", DAYS(8));
		rolled = sim_last(&sim, EVENT_CERT_ROLLED, "example.com/web");
		/* 1970 began on a Thursday. */
		CHECK_INT((rolled.s / 86400 + 4) % 7, 3);
		CHECK(rolled.s % 86400 >= 2 * 3600 && rolled.s % 86400 < 5 * 3600);
		CHECK(rolled.s >=
			sim_last(&sim, EVENT_CERT_ISSUED, "example.com/web").s + 90 * 60);
	}
	CHECK_INT(sim_count(&sim, EVENT_CERT_LATE, NULL), 0);
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(age_and_window_yield_near_the_end)
{
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("900d", "3d") SIM_CA_GROUP
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web],\n"
		"          roll: {min_age: 90m, window: ['Sun 02:00-02:30']}}\n" TARGET_WEB,
		6);
	sim_advance(&sim, DAYS(30));
	sim_rest(&sim, MINUTES(1));
	CHECK(sim_count(&sim, EVENT_CERT_LATE, "example.com/web") >= 3);
	CHECK_INT(sim_count(&sim, EVENT_CERT_EXPIRED, NULL), 0);
	sim_close(&sim);
}

TEST(targets_are_served_in_their_order)
{
	static const char config[] = SIM_DAEMON SIM_CAS("900d", "60d") SIM_CA_GROUP
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [front, back]}\n"
		"targets:\n"
		"  back: {dir: /srv/back, reload: {command: [reload-back]}}\n"
		"  front: {dir: /srv/front, reload: {command: [reload-front]}, after: "
		"[back]}\n";
	struct sim sim;

	sim_open(&sim, config, 7);
	town_script(&sim.town, "reload back", NULL, 1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_TARGET_FAILED, "example.com/web", MINUTES(1));
	sim_advance(&sim, SECONDS(30));
	CHECK(!town_find(&sim.town, "/srv/front", "example.com/web"));
	sim_until(&sim, EVENT_CERT_DEPLOYED, "example.com/web", MINUTES(2));
	sim_until(&sim, EVENT_CERT_DEPLOYED, "example.com/web", MINUTES(2));
	sim_rest(&sim, MINUTES(2));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(suspend_and_clocks_that_jump)
{
	struct instant before;
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("400d", "60d") SIM_CA_GROUP "  example.com:\n" LEAF("a")
			LEAF("b") TARGET_WEB,
		8);
	sim_advance(&sim, DAYS(38));
	before = end_of(&sim, "example.com/a");
	/* Over the renewal moment, while the lid is shut. */
	sim_suspend(&sim, DAYS(3));
	sim_advance(&sim, HOURS(2));
	CHECK(end_of(&sim, "example.com/a").s > before.s);
	sim_expect_settled(&sim);

	before = end_of(&sim, "example.com/a");
	sim_set_clock(&sim, instant_add(clock_now(), DAYS(38)));
	sim_set_clock(&sim, instant_add(clock_now(), DAYS(10)));
	sim_advance(&sim, HOURS(2));
	CHECK_INT(sim_count(&sim, EVENT_CLOCK_JUMPED, NULL), 2);
	CHECK(end_of(&sim, "example.com/a").s > before.s);
	sim_expect_settled(&sim);

	/* Back by a month: what was issued meanwhile begins in the future, and is replaced at once. */
	sim.may_go_back = true;
	sim_set_clock(&sim, instant_sub(clock_now(), DAYS(30)));
	/* The kernel says that it is right so. */
	while (clock_is_doubted(&sim.world.fleet->clock) &&
		sim_step(&sim, instant_add(clock_now(), SECONDS(1))))
		;
	before = clock_now();
	CHECK(strstr(sim_command(&sim, "status example.com/a"), "health=failing"));
	CHECK(strstr(buf_text(&sim.said), "action=issue"));
	CHECK(strstr(buf_text(&sim.said), "why=not-yet-valid"));
	CHECK(strstr(sim_command(&sim, "why example.com/a"),
		"Every client refuses the current version before "));
	CHECK(strstr(buf_text(&sim.said), "Target web has the current version, and clients"));
	CHECK(!strstr(buf_text(&sim.said), "othing is to "));
	sim_advance(&sim, HOURS(1));
	CHECK(begin_of(&sim, "example.com/a").s <= before.s);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	sim_expect_settled(&sim);
	before = end_of(&sim, "example.com/a");
	sim_advance(&sim, DAYS(90));
	sim_rest(&sim, MINUTES(5));
	sim_expect_settled(&sim);
	CHECK(end_of(&sim, "example.com/a").s > before.s);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	sim_close(&sim);
}

TEST(a_key_is_used_again_until_it_is_too_old)
{
	uint8_t first[32], last[32];
	size_t n_keys = 1;
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("900d", "60d") SIM_CA_GROUP
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web], reuse_key: true,\n"
		"          key_max_age: 100d}\n" TARGET_WEB,
		9);
	sim_rest(&sim, MINUTES(1));
	memcpy(first, sim_facts(&sim, "example.com/web")->curr.spki, sizeof(first));
	memcpy(last, first, sizeof(last));
	for (int i = 0; i < 6; i++) {
		sim_until(&sim, EVENT_CERT_DEPLOYED, "example.com/web", DAYS(60));
		sim_rest(&sim, MINUTES(1));
		n_keys += memcmp(last, sim_facts(&sim, "example.com/web")->curr.spki, 32) != 0;
		memcpy(last, sim_facts(&sim, "example.com/web")->curr.spki, sizeof(last));
	}
	/* A renewal each 40 days, a new key with the first one after 100. */
	CHECK_INT(n_keys, 3);
	CHECK(memcmp(first, last, 32) != 0);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(next_is_shown_until_it_is_current)
{
	const struct town_place *place;
	struct sim sim;

	sim_open(&sim,
		SIM_DAEMON SIM_CAS("900d", "60d") SIM_CA_GROUP
		"  example.com:\n" LEAF("a") "targets:\n"
					     "  web: {dir: /srv/web, include_next: true, "
					     "reload: {command: [reload-web]}}\n",
		10);
	sim_rest(&sim, MINUTES(1));
	place = town_find(&sim.town, "/srv/web", "example.com/a");
	REQUIRE(place);
	CHECK(!version_is_set(&place->next.version));
	sim_until(&sim, EVENT_CERT_ISSUED, "example.com/a", DAYS(60));
	CHECK(version_id_equal(
		&place->next.version, &sim_facts(&sim, "example.com/a")->next.id));
	sim_until(&sim, EVENT_CERT_ROLLED, "example.com/a", DAYS(1));
	CHECK(!version_is_set(&place->next.version));
	sim_close(&sim);
}
