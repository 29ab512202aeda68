/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

/* Something fails, once or for good: nobody else is harmed, and it works again afterwards. */

#define WEB "example.com/web"
#define CAS SIM_DAEMON SIM_CAS("900d", "60d") SIM_CA_GROUP
#define TARGET_WEB                                                                             \
	"targets:\n"                                                                           \
	"  web: {dir: /srv/web, check: [check-web], reload: {command: [reload-web]}}\n"        \
	"  mail: {dir: /srv/mail, check: [check-mail], reload: {command: [reload-mail]}}\n"
#define ONE CAS "  example.com:\n    web: {ca: int, names: [example.com], deploy: [web]}\n"

static const struct failure *target_failure(const struct sim *sim, const char *cert)
{
	const struct target_facts *target = facts_target(sim_facts(sim, cert), "web");

	REQUIRE(target);
	return &target->failure;
}

static const struct town_place *place(struct sim *sim, const char *cert)
{
	struct town_place *found = town_find(&sim->town, "/srv/web", cert);

	REQUIRE(found);
	return found;
}

static void open_served(struct sim *sim, const char *config, uint64_t seed)
{
	sim_open(sim, config, seed);
	sim_rest(sim, MINUTES(1));
	sim_expect_settled(sim);
}

TEST(a_check_that_refuses_once_is_tried_again_after_a_minute)
{
	struct version_id before;
	struct instant failed;
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 1);
	before = place(&sim, WEB)->served.version;
	town_script(&sim.town, "check-web", NULL, 1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_TARGET_FAILED, WEB, DAYS(60));
	failed = clock_now();
	sim_rest(&sim, SECONDS(30));
	CHECK_INT(target_failure(&sim, WEB)->code, ERR_CHECK_FAILED);
	CHECK_INT(target_failure(&sim, WEB)->tries, 1);
	CHECK_INT(sim_count(&sim, EVENT_TARGET_RESTORED, WEB), 1);
	CHECK(version_id_equal(&place(&sim, WEB)->curr.version, &before));
	CHECK(version_id_equal(&place(&sim, WEB)->served.version, &before));
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(2));
	CHECK_INT(clock_now().s - failed.s, 60);
	CHECK_INT(sim_count(&sim, EVENT_CERT_RECOVERED, WEB), 1);
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_check_that_always_refuses_backs_off_and_harms_nobody_else)
{
	size_t told;
	struct sim sim;

	open_served(&sim,
		CAS
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web]}\n"
		"    mail: {ca: int, names: [mail.example.com], deploy: [mail]}\n" TARGET_WEB,
		2);
	town_script(&sim.town, "check-web", NULL, -1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_TARGET_FAILED, WEB, DAYS(60));
	sim_advance(&sim, DAYS(3));
	/* 1m 10m 1h 4h 12h 24h, then daily. */
	CHECK(target_failure(&sim, WEB)->tries >= 6);
	CHECK(target_failure(&sim, WEB)->tries <= 9);
	told = sim_count(&sim, EVENT_TARGET_FAILED, WEB);
	CHECK(told >= 2 && told <= 5);
	CHECK_INT(sim_count(&sim, EVENT_TARGET_FAILED, "example.com/mail"), 0);
	CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_NONE);
	CHECK_INT(sim_count(&sim, EVENT_CERT_ROLLED, "example.com/mail"), 2);

	town_forgive(&sim.town);
	sim_advance(&sim, DAYS(1));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* A target whose check has failed for a day, which makes the waits long. */
static void open_failing(struct sim *sim, unsigned seed)
{
	open_served(sim, ONE TARGET_WEB, seed);
	town_script(&sim->town, "check-web", NULL, -1, ERR_COMMAND_FAILED, 0);
	sim_until(sim, EVENT_TARGET_FAILED, WEB, DAYS(60));
	sim_advance(sim, DAYS(1));
}

TEST(a_target_that_is_mended_in_the_configuration_is_tried_at_once)
{
	static const char mended[] = ONE "targets:\n"
					 "  web: {dir: /srv/web, check: [check-better], "
					 "reload: {command: [reload-web]}}\n";
	struct sim sim;

	open_failing(&sim, 13);
	CHECK(target_failure(&sim, WEB)->tries >= 4);
	CHECK(strstr(sim_command(&sim, "status " WEB), "error=check-failed"));

	/* A reload has it tried, but without another key of its own the waits go on. */
	CHECK_INT(sim_reload(&sim, ONE TARGET_WEB "  more: {dir: /srv/more}\n"), 0);
	sim_rest(&sim, MINUTES(1));
	CHECK(target_failure(&sim, WEB)->tries >= 4);
	CHECK(strstr(sim_command(&sim, "why " WEB), "Deploying to web failed"));

	CHECK_INT(sim_reload(&sim, mended), 0);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, SECONDS(10));
	sim_rest(&sim, MINUTES(1));
	CHECK_INT(target_failure(&sim, WEB)->code, ERR_NONE);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_target_that_is_changed_and_fails_still_begins_its_waits_anew)
{
	static const char other[] = ONE "targets:\n"
					"  web: {dir: /srv/other, check: [check-web], reload: "
					"{command: [reload-web]}}\n";
	struct sim sim;

	open_failing(&sim, 14);
	sim.may_vanish = true;
	CHECK_INT(sim_reload(&sim, other), 0);
	sim_rest(&sim, SECONDS(30));
	CHECK_INT(target_failure(&sim, WEB)->code, ERR_CHECK_FAILED);
	CHECK_INT(target_failure(&sim, WEB)->tries, 1);
	sim_close(&sim);
}

/* What an operator mended outside of the configuration: nothing waits for the end of its back-off. */
TEST(an_operator_who_mended_a_target_need_not_wait)
{
	static const char *const commands[] = { NULL, "deploy " WEB, "renew " WEB };

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct sim sim;

		open_failing(&sim, 17);
		town_forgive(&sim.town);
		if (commands[i])
			(void)sim_command(&sim, commands[i]);
		else
			CHECK_INT(sim_reload(&sim, ONE TARGET_WEB), 0);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, SECONDS(10));
		sim_rest(&sim, MINUTES(1));
		sim_expect_settled(&sim);
		sim_close(&sim);
	}
}

TEST(an_operator_who_freed_a_disk_need_not_wait)
{
	static const char *const commands[] = { NULL, "renew " WEB };

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		struct sim sim;

		open_served(&sim, ONE TARGET_WEB, 18);
		sim_until(&sim, EVENT_JOB_STARTED, WEB, DAYS(60));
		store_memory_fail(sim.store, WEB, ERR_DISK_FULL);
		sim_advance(&sim, DAYS(1));
		CHECK(strstr(sim_command(&sim, "status " WEB), "error=disk-full"));
		/* Still full: one try more, after which the waits go on. */
		CHECK_INT(sim_reload(&sim, ONE TARGET_WEB), 0);
		sim_advance(&sim, SECONDS(30));
		CHECK(strstr(sim_command(&sim, "status " WEB), "why=backoff"));
		store_memory_fail(sim.store, WEB, ERR_NONE);
		if (commands[i])
			CHECK(strstr(sim_command(&sim, commands[i]), "ok job="));
		else
			CHECK_INT(sim_reload(&sim, ONE TARGET_WEB), 0);
		sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(10));
		sim_rest(&sim, MINUTES(1));
		sim_close(&sim);
	}
}

TEST(the_error_of_a_target_that_is_gone_is_gone)
{
	static const char *const asked[] = { "status", "status " WEB, "show " WEB, "why " WEB };
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 15);
	town_script(&sim.town, "check-web", NULL, -1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_TARGET_FAILED, WEB, DAYS(60));
	sim_rest(&sim, SECONDS(10));
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		CHECK(strstr(sim_command(&sim, asked[i]), "check-failed"));
	sim.may_vanish = true;
	CHECK_INT(sim_reload(&sim, CAS "  example.com:\n    web: {ca: int, names: "
				       "[example.com]}\n"),
		0);
	sim_rest(&sim, SECONDS(10));
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		CHECK(!strstr(sim_command(&sim, asked[i]), "check-failed"));
	sim_close(&sim);
}

TEST(one_bad_certificate_of_three_does_not_hold_up_the_others)
{
	static const char config[] =
		CAS "  example.com:\n"
		    "    a: {ca: int, names: [a.example.com], deploy: [web]}\n"
		    "    b: {ca: int, names: [b.example.com], deploy: [web]}\n"
		    "    c: {ca: int, names: [c.example.com], deploy: [web]}\n" TARGET_WEB;
	struct sim sim;

	open_served(&sim, config, 3);
	TOWN_REFUSE(&sim.town, "example.com/b");
	sim_command(&sim, "renew example.com/* --force");
	sim_advance(&sim, MINUTES(1));
	sim.may_roll = true;
	sim_command(&sim, "roll example.com/* --force");
	sim_advance(&sim, SECONDS(20));
	sim.may_roll = false;
	CHECK(version_id_equal(&place(&sim, "example.com/a")->served.version,
		&sim_facts(&sim, "example.com/a")->curr.id));
	CHECK(version_id_equal(&place(&sim, "example.com/c")->served.version,
		&sim_facts(&sim, "example.com/c")->curr.id));
	CHECK(!version_id_equal(&place(&sim, "example.com/b")->served.version,
		&sim_facts(&sim, "example.com/b")->curr.id));
	CHECK_INT(target_failure(&sim, "example.com/a")->code, ERR_NONE);
	CHECK_INT(target_failure(&sim, "example.com/b")->code, ERR_CHECK_FAILED);
	town_forgive(&sim.town);
	sim_advance(&sim, MINUTES(2));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_crowd_is_checked_and_reloaded_once)
{
	struct town_script *checks, *reloads;
	struct sim sim;

	open_served(&sim,
		CAS "  example.com:\n"
		    "    a: {ca: int, names: [a.example.com], deploy: [web]}\n"
		    "    b: {ca: int, names: [b.example.com], deploy: [web]}\n"
		    "    c: {ca: int, names: [c.example.com], deploy: [web]}\n"
		    "    d: {ca: int, names: [d.example.com], deploy: [web]}\n" TARGET_WEB,
		4);
	town_script(&sim.town, "check-web", NULL, -1, ERR_NONE, 2000);
	checks = LIST_OF(sim.town.scripts.prev, struct town_script, link);
	town_script(&sim.town, "reload web", NULL, -1, ERR_NONE, 2000);
	reloads = LIST_OF(sim.town.scripts.prev, struct town_script, link);
	sim_command(&sim, "renew example.com/* --force");
	sim_advance(&sim, MINUTES(1));
	sim.may_roll = true;
	sim_command(&sim, "roll example.com/* --force");
	sim_rest(&sim, MINUTES(2));
	sim_expect_settled(&sim);
	/* The first that arrives may go alone, those that come meanwhile go together. */
	CHECK(checks->n_runs >= 1 && checks->n_runs <= 2);
	CHECK(reloads->n_runs >= 1 && reloads->n_runs <= 2);
	sim_close(&sim);
}

/* An operator's loop is no attack: what comes too often for the keeper's pace waits its turn. */
TEST(many_renewals_in_a_row_reload_and_fail_nothing)
{
	enum { N = 40 };
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 19);
	sim.may_roll = true;
	for (int i = 0; i < N; i++) {
		CHECK(strstr(sim_command(&sim, "renew " WEB " --force"), "ok job="));
		sim_until(&sim, EVENT_CERT_ISSUED, WEB, MINUTES(2));
		(void)sim_command(&sim, "roll " WEB " --force");
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(2));
		while (fleet_find(sim.world.fleet, WEB)->job)
			sim_step(&sim, instant_add(clock_now(), MINUTES(2)));
	}
	CHECK_INT(sim_count(&sim, EVENT_TARGET_FAILED, WEB), 0);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), 0);
	sim_rest(&sim, MINUTES(2));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_reload_that_fails_is_repeated)
{
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 5);
	town_script(&sim.town, "reload web", NULL, 2, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_TARGET_FAILED, WEB, DAYS(60));
	sim_rest(&sim, SECONDS(30));
	CHECK(target_failure(&sim, WEB)->code != ERR_NONE);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(15));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/*
 * Both die when the server has read the new files and nobody has noted it yet; then the same files are
 * refused.  To bring back older ones than are served would be a step back.
 */
TEST(a_check_that_fails_after_a_late_death_leaves_what_is_served)
{
	struct version_id served;
	struct sim sim;
	uint64_t n_served;

	open_served(&sim, ONE TARGET_WEB, 12);
	n_served = sim.town.n_served;
	while (sim.town.n_served == n_served)
		sim_step(&sim, instant_add(clock_now(), DAYS(100)));
	sim_restart(&sim);
	served = place(&sim, WEB)->served.version;
	CHECK(version_id_equal(&served, &place(&sim, WEB)->curr.version));
	town_script(&sim.town, "check-web", NULL, 1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_TARGET_FAILED, WEB, MINUTES(1));
	sim_rest(&sim, SECONDS(10));
	CHECK(version_id_equal(&served, &place(&sim, WEB)->curr.version));
	CHECK_INT(sim_count(&sim, EVENT_TARGET_RESTORED, WEB), 0);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(2));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

#define HOOKS                                                                                  \
	"hooks: {before_issue: [ask], after_issue: [told], before_roll: [ask-roll], "          \
	"after_roll: [told-roll]}\n"

TEST(a_hook_may_veto_and_is_asked_again)
{
	unsigned added;
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB HOOKS, 6);
	town_script(&sim.town, "ask", WEB, 2, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, DAYS(60));
	sim_rest(&sim, SECONDS(30));
	CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_VETOED);
	CHECK_INT(store_memory_added(sim.store, WEB), 1);
	sim_until(&sim, EVENT_CERT_RECOVERED, WEB, MINUTES(12));
	CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_NONE);
	added = store_memory_added(sim.store, WEB);

	town_script(&sim.town, "ask-roll", WEB, 1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, DAYS(2));
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(2));
	sim_rest(&sim, MINUTES(1));
	CHECK_INT(store_memory_added(sim.store, WEB), added);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(an_issue_whose_hook_is_mended_in_the_configuration_is_tried_at_once)
{
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB HOOKS, 16);
	town_script(&sim.town, "ask", WEB, -1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, DAYS(60));
	sim_advance(&sim, DAYS(1));
	CHECK(sim_facts(&sim, WEB)->failure.tries >= 4);
	CHECK_INT(sim_reload(&sim, ONE TARGET_WEB "hooks: {before_issue: [ask-better]}\n"), 0);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(10));
	sim_rest(&sim, MINUTES(1));
	CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_NONE);
	sim_close(&sim);
}

TEST(hooks_that_only_hear_change_nothing_when_they_fail)
{
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB HOOKS, 7);
	town_script(&sim.town, "told", NULL, -1, ERR_COMMAND_FAILED, 0);
	town_script(&sim.town, "told-roll", NULL, -1, ERR_COMMAND_FAILED, 0);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, DAYS(60));
	sim_rest(&sim, MINUTES(1));
	CHECK(sim_count(&sim, EVENT_HOOK_FAILED, WEB) >= 2);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_hook_that_hangs_costs_its_own_time_only)
{
	static const char config[] = CAS
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web]}\n"
		"    mail: {ca: int, names: [mail.example.com], deploy: [mail]}\n" TARGET_WEB
			HOOKS;
	struct instant begun;
	struct sim sim;

	open_served(&sim, config, 8);
	town_script(&sim.town, "ask", WEB, 1, ERR_NONE, 30000);
	town_script(&sim.town, "ask", WEB, 1, ERR_NONE, 3600000);
	sim_command(&sim, "renew example.com/* --force");
	begun = clock_now();
	sim_until(&sim, EVENT_CERT_ISSUED, "example.com/mail", SECONDS(2));
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(31));
	CHECK(clock_now().s - begun.s >= 30);
	sim_rest(&sim, MINUTES(1));
	sim_command(&sim, "renew " WEB " --force");
	sim_until(&sim, EVENT_HOOK_FAILED, WEB, SECONDS(61));
	sim_until(&sim, EVENT_CERT_FAILED, WEB, SECONDS(5));
	sim_rest(&sim, SECONDS(30));
	CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_TIMEOUT);
	sim_advance(&sim, DAYS(60));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_full_disk_for_one_certificate)
{
	static const char config[] = CAS
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web]}\n"
		"    mail: {ca: int, names: [mail.example.com], deploy: [mail]}\n" TARGET_WEB;
	struct sim sim;

	open_served(&sim, config, 9);
	store_memory_fail(sim.store, WEB, ERR_DISK_FULL);
	sim_until(&sim, EVENT_CERT_ROLLED, "example.com/mail", DAYS(60));
	sim_advance(&sim, DAYS(1));
	/* The failure cannot be written either: it must not be tried again in a storm. */
	if (sim_count(&sim, EVENT_JOB_STARTED, WEB) > 12 + 2)
		TEST_FAIL("%zu jobs on a full disk", sim_count(&sim, EVENT_JOB_STARTED, WEB));
	CHECK(sim_count(&sim, EVENT_CERT_FAILED, WEB) >= 1);
	store_memory_fail(sim.store, WEB, ERR_NONE);
	sim_advance(&sim, DAYS(2));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	CHECK_INT(sim_count(&sim, EVENT_CERT_EXPIRED, NULL), 0);
	sim_close(&sim);
}

TEST(a_disk_that_fills_up_between_roll_and_deploy)
{
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 10);
	sim_until(&sim, EVENT_CERT_ROLLED, WEB, DAYS(60));
	store_memory_fail(sim.store, WEB, ERR_DISK_FULL);
	sim_advance(&sim, HOURS(12));
	if (sim_count(&sim, EVENT_JOB_STARTED, WEB) > 20)
		TEST_FAIL("%zu jobs on a full disk", sim_count(&sim, EVENT_JOB_STARTED, WEB));
	store_memory_fail(sim.store, WEB, ERR_NONE);
	sim_advance(&sim, DAYS(1));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(everything_fails_until_the_certificate_ends_and_then_recovers)
{
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 11);
	store_memory_fail(sim.store, WEB, ERR_IO);
	sim.may_expire = true;
	sim_advance(&sim, DAYS(65));
	CHECK_INT(sim_count(&sim, EVENT_CERT_EXPIRED, WEB), 1);
	CHECK(sim_count(&sim, EVENT_CERT_EXPIRING, WEB) >= 3);
	if (sim_count(&sim, EVENT_JOB_STARTED, WEB) > 200)
		TEST_FAIL("%zu jobs", sim_count(&sim, EVENT_JOB_STARTED, WEB));
	store_memory_fail(sim.store, WEB, ERR_NONE);
	sim_advance(&sim, DAYS(2));
	sim_rest(&sim, MINUTES(1));
	sim.may_expire = false;
	sim_expect_settled(&sim);
	sim_close(&sim);
}
