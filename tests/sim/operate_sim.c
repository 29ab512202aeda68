/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "daemon/cert/forecast.h"

/* Operators: commands, cancellations, reloads; and `certctl plan`, which has to be right. */

#define WEB "example.com/web"
#define CAS SIM_DAEMON SIM_CAS("900d", "60d") SIM_CA_GROUP
#define TARGET_WEB                                                                             \
	"targets:\n"                                                                           \
	"  web: {dir: /srv/web, check: [check-web], reload: {command: [reload-web]}}\n"
#define ONE CAS "  example.com:\n    web: {ca: int, names: [example.com], deploy: [web]}\n"
#define TWO ONE "    mail: {ca: int, names: [mail.example.com], deploy: [web]}\n"

static void open_served(struct sim *sim, const char *config, uint64_t seed)
{
	sim_open(sim, config, seed);
	sim_rest(sim, MINUTES(1));
	sim_expect_settled(sim);
}

static bool says(struct sim *sim, const char *command, const char *part)
{
	const char *said = sim_command(sim, command);

	if (strstr(said, part))
		return true;
	printf("# %s: %s", command, said);
	return false;
}

TEST(renew_and_roll_by_force)
{
	struct version_id before;
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 1);
	before = sim_facts(&sim, WEB)->curr.id;
	CHECK(says(&sim, "roll " WEB, "ok"));
	CHECK(says(&sim, "roll " WEB " --force", "err no-next"));
	CHECK(says(&sim, "renew " WEB, "row cert=" WEB));
	CHECK(says(&sim, "renew " WEB " --force", "ok job="));
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(5));
	sim_rest(&sim, SECONDS(5));
	CHECK(says(&sim, "roll " WEB, "err too-early"));
	sim.may_roll = true;
	CHECK(says(&sim, "roll " WEB " --force", "ok job="));
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, SECONDS(5));
	sim.may_roll = false;
	sim_rest(&sim, SECONDS(5));
	CHECK(!version_id_equal(&before, &sim_facts(&sim, WEB)->curr.id));
	sim_expect_settled(&sim);
	CHECK(says(&sim, "status", "health=ok"));
	CHECK(says(&sim, "why " WEB, "row text="));
	CHECK(says(&sim, "versions " WEB, "link=prev"));
	sim_close(&sim);
}

TEST(a_discarded_next_never_becomes_current)
{
	struct version_id before;
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 14);
	before = sim_facts(&sim, WEB)->curr.id;
	CHECK(says(&sim, "discard " WEB, "err no-next"));
	CHECK(says(&sim, "renew " WEB " --force", "ok job="));
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(5));
	sim_rest(&sim, SECONDS(5));
	CHECK(says(&sim, "discard " WEB, "row cert=" WEB " discarded="));
	CHECK_INT(sim_count(&sim, EVENT_CERT_DISCARDED, WEB), 1);
	CHECK(!version_is_set(&sim_facts(&sim, WEB)->next.id));
	CHECK(says(&sim, "roll " WEB " --force", "err no-next"));
	sim_restart(&sim);
	sim_rest(&sim, MINUTES(1));
	CHECK(!version_is_set(&sim_facts(&sim, WEB)->next.id));
	CHECK(version_id_equal(&before, &sim_facts(&sim, WEB)->curr.id));
	sim_expect_settled(&sim);
	/* The next renewal comes at its moment, as if nothing had been discarded. */
	sim_until(&sim, EVENT_CERT_ROLLED, WEB, DAYS(60));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_job_is_cancelled_in_the_middle)
{
	static const char config[] = ONE TARGET_WEB "hooks: {before_issue: [ask]}\n";
	struct sim sim;

	open_served(&sim, config, 2);
	town_script(&sim.town, "ask", WEB, 1, ERR_NONE, 50000);
	CHECK(says(&sim, "renew " WEB " --force", "ok job="));
	sim_advance(&sim, SECONDS(10));
	CHECK(says(&sim, "jobs", "step=before-issue"));
	CHECK(says(&sim, "renew " WEB " --force", "err busy"));
	CHECK(says(&sim, "cancel 999", "err no-such-job"));
	for (uint64_t i = 1; i < 50; i++) {
		char line[32];

		snprintf(line, sizeof(line), "cancel %ju", (uintmax_t)i);
		sim_command(&sim, line);
	}
	sim_advance(&sim, SECONDS(1));
	CHECK_INT(sim_jobs(&sim), 0);
	/* Nor does the hook go on. */
	CHECK_INT(sim.town.n_ended, sim.town.n_begun);
	/* A cancellation is no failure and stops nothing that comes later. */
	CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_NONE);
	CHECK_INT(store_memory_added(sim.store, WEB), 1);
	sim_advance(&sim, DAYS(60));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* The plan wants it still, and would start it again in the same second. */
TEST(a_cancelled_job_of_the_plan_waits_a_minute_or_for_a_command)
{
	static const char config[] = ONE TARGET_WEB "hooks: {before_issue: [ask]}\n";
	struct instant cancelled;
	struct sim sim;
	size_t begun;

	open_served(&sim, config, 10);
	town_script(&sim.town, "ask", WEB, 2, ERR_NONE, 50000);
	begun = sim_count(&sim, EVENT_JOB_STARTED, WEB);
	while (sim_count(&sim, EVENT_JOB_STARTED, WEB) == begun)
		sim_step(&sim, instant_add(clock_now(), DAYS(100)));
	sim_advance(&sim, SECONDS(5));
	cancelled = clock_now();
	sim_cancel_all(&sim);
	sim_advance(&sim, SECONDS(10));
	CHECK_INT(sim_jobs(&sim), 0);
	CHECK(says(&sim, "status " WEB, "action=issue"));
	CHECK(says(&sim, "status " WEB, "why=held"));
	CHECK(says(&sim, "why " WEB, "(in 50s): an operator cancelled"));
	sim_until(&sim, EVENT_JOB_STARTED, WEB, MINUTES(1));
	CHECK_INT(clock_now().s - cancelled.s, 60);

	/* Again, and the operator does not want to wait. */
	sim_advance(&sim, SECONDS(5));
	sim_cancel_all(&sim);
	sim_advance(&sim, SECONDS(10));
	CHECK_INT(sim_jobs(&sim), 0);
	CHECK(says(&sim, "renew " WEB, "ok job="));
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(5));
	CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_NONE);

	/* What the plan wants is a target; a command that takes nothing ends the hold, too. */
	sim_until(&sim, EVENT_CERT_ROLLED, WEB, DAYS(2));
	sim_cancel_all(&sim);
	sim_advance(&sim, SECONDS(10));
	CHECK_INT(sim_jobs(&sim), 0);
	CHECK(says(&sim, "status " WEB, "why=held"));
	CHECK(says(&sim, "renew " WEB, "why=not-deployed"));
	sim_advance(&sim, SECONDS(5));
	sim_rest(&sim, SECONDS(10));
	sim_expect_settled(&sim);

	/* A restart forgets it. */
	town_script(&sim.town, "ask", WEB, 1, ERR_NONE, 50000);
	begun = sim_count(&sim, EVENT_JOB_STARTED, WEB);
	while (sim_count(&sim, EVENT_JOB_STARTED, WEB) == begun)
		sim_step(&sim, instant_add(clock_now(), DAYS(100)));
	sim_advance(&sim, SECONDS(5));
	sim_cancel_all(&sim);
	sim_advance(&sim, SECONDS(5));
	CHECK_INT(sim_jobs(&sim), 0);
	sim_restart(&sim);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(10));
	sim_close(&sim);
}

TEST(a_root_is_renewed_by_an_operator_only)
{
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 3);
	CHECK(says(&sim, "renew ca/root --force", "ok job="));
	sim_until(&sim, EVENT_CERT_ISSUED, "ca/root", SECONDS(5));
	sim_until(&sim, EVENT_CERT_ROLLED, "ca/root", DAYS(1));
	/* What the old one signed follows; everything verifies meanwhile. */
	sim_until(&sim, EVENT_CERT_ROLLED, "ca/int", DAYS(2));
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, DAYS(2));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, "ca/root"), 2);
	sim_close(&sim);
}

TEST(reload_reissues_for_other_names)
{
	struct version_id before;
	struct sim sim;

	open_served(&sim, TWO TARGET_WEB, 4);
	before = sim_facts(&sim, "example.com/mail")->curr.id;
	CHECK_INT(sim_reload(&sim, CAS "  example.com:\n"
				       "    web: {ca: int, names: [example.com, "
				       "www.example.com], deploy: [web]}\n"
				       "    mail: {ca: int, names: [mail.example.com], deploy: "
				       "[web]}\n" TARGET_WEB),
		0);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(5));
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(2));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	CHECK(version_id_equal(&before, &sim_facts(&sim, "example.com/mail")->curr.id));
	CHECK_INT(store_memory_added(sim.store, WEB), 2);
	sim_close(&sim);
}

TEST(reload_refuses_mistakes_and_keeps_the_last_good)
{
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 5);
	CHECK_INT(sim_reload(&sim, ONE "nonsense: 1\n"), -1);
	sim_advance(&sim, DAYS(60));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_removed_certificate_is_archived_and_its_job_ends)
{
	static const char hooks[] = TWO TARGET_WEB "hooks: {before_issue: [ask]}\n";
	static const char less[] =
		CAS "  example.com:\n"
		    "    mail: {ca: int, names: [mail.example.com], deploy: [web]}\n" TARGET_WEB
		    "hooks: {before_issue: [ask]}\n";
	struct sim sim;

	open_served(&sim, hooks, 6);
	town_script(&sim.town, "ask", WEB, 1, ERR_NONE, 50000);
	CHECK(says(&sim, "renew " WEB " --force", "ok job="));
	sim_advance(&sim, SECONDS(5));
	CHECK_INT(sim_reload(&sim, less), 0);
	sim_advance(&sim, SECONDS(2));
	CHECK_INT(sim_jobs(&sim), 0);
	CHECK(store_memory_is_archived(sim.store, WEB));
	CHECK_INT(sim_count(&sim, EVENT_CERT_ARCHIVED, WEB), 1);
	CHECK(says(&sim, "show " WEB, "err no-such-cert"));
	sim_advance(&sim, MINUTES(2));
	CHECK_INT(store_memory_added(sim.store, WEB), 1);
	sim_expect_settled(&sim);
	/* It comes back with its history. */
	CHECK_INT(sim_reload(&sim, hooks), 0);
	sim_rest(&sim, MINUTES(1));
	CHECK_INT(sim_count(&sim, EVENT_CERT_RESTORED, WEB), 1);
	CHECK_INT(store_memory_added(sim.store, WEB), 1);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* Both processes work with it, so that it is in force must not depend on a directory. */
TEST(a_reload_is_in_force_when_the_store_cannot_follow)
{
	static const char mail[] = CAS
		"  example.com:\n"
		"    mail: {ca: int, names: [mail.example.com], deploy: [web]}\n" TARGET_WEB;
	struct sim sim;

	open_served(&sim, ONE TARGET_WEB, 11);
	store_memory_fail(sim.store, NULL, ERR_NO_RIGHTS);
	CHECK_INT(sim_reload(&sim, mail), 0);
	CHECK_INT(sim_count(&sim, EVENT_STORE_BEHIND, NULL), 1);
	CHECK(!store_memory_is_archived(sim.store, WEB));
	sim_until(&sim, EVENT_CERT_DEPLOYED, "example.com/mail", MINUTES(1));
	store_memory_fail(sim.store, NULL, ERR_NONE);
	CHECK_INT(sim_reload(&sim, mail), 0);
	CHECK_INT(sim_count(&sim, EVENT_STORE_BEHIND, NULL), 1);
	CHECK(store_memory_is_archived(sim.store, WEB));
	sim_rest(&sim, MINUTES(1));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* The key of a CA is in memory while it signs, and not for weeks until it does again. */
TEST(the_key_of_a_ca_is_forgotten_when_it_has_nothing_to_sign)
{
	struct sim sim;

	sim_open(&sim, ONE TARGET_WEB, 12);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(10));
	CHECK_STR(sim.server.kept.name, "ca/int");
	sim_advance(&sim, SECONDS(50));
	CHECK_STR(sim.server.kept.name, "ca/int");
	sim_advance(&sim, SECONDS(11));
	CHECK(!sim.server.kept.signer);

	/* At once when the CA has another one. */
	CHECK(says(&sim, "renew ca/int --force", "ok job="));
	sim_until(&sim, EVENT_CERT_ISSUED, "ca/int", SECONDS(5));
	sim_rest(&sim, SECONDS(5));
	CHECK(says(&sim, "renew " WEB " --force", "ok job="));
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(5));
	sim_rest(&sim, SECONDS(5));
	CHECK_STR(sim.server.kept.name, "ca/int");
	sim.may_roll = true;
	CHECK(says(&sim, "roll ca/int --force", "ok job="));
	sim_until(&sim, EVENT_CERT_ROLLED, "ca/int", SECONDS(5));
	CHECK(!sim.server.kept.signer);
	sim_close(&sim);
}

/* Slow keys are made beside everything else, and nobody waits for one that is not wanted any more. */
TEST(slow_keys_that_are_cancelled_or_come_too_late)
{
	static const char slow[] = ONE "    mail: {ca: int, names: [mail.example.com], deploy: "
				       "[web], key: 'rsa:2048'}\n" TARGET_WEB;
	struct sim sim;
	unsigned added;

	open_served(&sim, ONE TARGET_WEB, 9);
	CHECK_INT(sim_reload(&sim, slow), 0);
	sim_until(&sim, EVENT_JOB_STEP, "example.com/mail", SECONDS(5));
	/* Until the worker has it. */
	while (sim.town.n_begun == sim.town.n_ended)
		sim_step(&sim, instant_add(clock_now(), SECONDS(1)));
	CHECK(says(&sim, "jobs", "cert=example.com/mail"));
	CHECK_INT(sim_reload(&sim, ONE TARGET_WEB), 0);
	sim_advance(&sim, MINUTES(1));
	CHECK_INT(store_memory_added(sim.store, "example.com/mail"), 0);
	sim_expect_settled(&sim);

	CHECK_INT(sim_reload(&sim, slow), 0);
	sim_until(&sim, EVENT_JOB_STEP, "example.com/mail", SECONDS(5));
	sim_cancel_all(&sim);
	sim_advance(&sim, MINUTES(2));
	sim_expect_settled(&sim);
	added = store_memory_added(sim.store, "example.com/mail");
	CHECK(added >= 1 && added <= 2);
	sim_close(&sim);
}

/* Certificates and targets come, go and change places while jobs work on them. */
TEST(reloads_in_quick_succession_while_jobs_run)
{
	static const char hooks[] = "hooks: {before_issue: [ask], before_roll: [ask]}\n";
	static const char web[] =
		"    web: {ca: int, names: [example.com], deploy: [web, mail]}\n";
	static const char mail[] =
		"    mail: {ca: int, names: [mail.example.com], deploy: [mail, web]}\n";
	static const char only_web[] =
		"    web: {ca: int, names: [example.com], deploy: [web]}\n";
	static const char group[] = CAS "  example.com:\n";
	static const char two[] = TARGET_WEB "  mail: {dir: /srv/mail, check: [check-mail]}\n";
	static const char swapped[] = "targets:\n"
				      "  a: {dir: /srv/a}\n"
				      "  mail: {dir: /srv/mail}\n"
				      "  web: {dir: /srv/web}\n";
	char *configs[] = { mem_printf("%s%s%s%s%s", group, web, mail, two, hooks),
		mem_printf("%s%s%s%s", group, web, swapped, hooks),
		mem_printf("%s%s%s%s%s", group, web, mail, swapped, hooks),
		mem_printf("%s%s%s%s", group, mail, two, hooks),
		mem_printf("%s%s%s%s", group, only_web, TARGET_WEB, hooks) };
	struct sim sim;

	sim_open(&sim, configs[0], 7);
	sim.may_roll = sim.may_vanish = true;
	for (int i = 0; i < 300; i++) {
		for (int64_t k = town_delay(&sim.town, 12); k > 0; k--)
			sim_step(&sim, instant_add(clock_now(), SECONDS(1)));
		if (i % 3 == 0)
			sim_command(&sim, "renew example.com/* --force");
		if (i % 5 == 0)
			sim_command(&sim, "roll example.com/* --force");
		CHECK_INT(sim_reload(&sim, configs[town_delay(&sim.town, 5) - 1]), 0);
	}
	CHECK_INT(sim_reload(&sim, configs[0]), 0);
	sim_advance(&sim, HOURS(3));
	sim_rest(&sim, MINUTES(5));
	sim_expect_settled(&sim);
	CHECK(store_memory_added(sim.store, "example.com/mail") >= 1);
	sim_close(&sim);
	for (size_t i = 0; i < ARRAY_LEN(configs); i++)
		free(configs[i]);
}

/* What the forecast told, in order. */
struct told {
	struct forecast_event at[256];
	size_t n;
};

static void tell(const struct forecast_event *event, void *data)
{
	struct told *told = data;

	if (told->n < ARRAY_LEN(told->at))
		told->at[told->n++] = *event;
}

static void ask_forecast(const struct sim *sim, struct duration ahead, struct told *told)
{
	const struct fleet *fleet = sim->world.fleet;
	const struct cert_facts **facts AUTO_FREE =
		mem_zalloc(fleet->conf->n_certs * sizeof(*facts));
	struct forecast forecast = { .conf = fleet->conf,
		.facts = facts,
		.now = clock_now(),
		.until = instant_add(clock_now(), ahead),
		.max_steps = 100000,
		.tell = tell,
		.data = told };

	told->n = 0;
	for (size_t i = 0; i < fleet->conf->n_certs; i++)
		facts[i] = &fleet->certs[i]->facts;
	CHECK(forecast_run(&forecast));
}

static enum event event_of(enum action action)
{
	return action == ACTION_ISSUE ? EVENT_CERT_ISSUED : EVENT_CERT_ROLLED;
}

/* The k-th event of a kind and a certificate since a moment. */
static struct instant kth(const struct sim *sim, enum event event, const char *cert,
	struct instant since, size_t k)
{
	for (size_t i = 0; i < sim->n_events; i++) {
		const struct sim_event *e = &sim->events[i];

		if (e->event == event && e->at.s >= since.s && e->cert &&
			str_is(e->cert, cert) && k-- == 0)
			return e->at;
	}
	return INSTANT_NEVER;
}

static void check_told(const struct sim *sim, const struct told *told, struct instant since)
{
	for (size_t i = 0; i < told->n; i++) {
		const struct forecast_event *said = &told->at[i];
		const char *cert = said->cert->name;
		struct instant came;
		size_t k = 0;

		if (said->action != ACTION_ISSUE && said->action != ACTION_ROLL)
			continue;
		for (size_t j = 0; j < i; j++)
			k += told->at[j].cert == said->cert &&
			     told->at[j].action == said->action;
		came = kth(sim, event_of(said->action), cert, since, k);
		/* The next one to the second, later ones to the minute. */
		if (came.s < said->at.s || came.s - said->at.s > (i == 0 ? 1 : 60))
			TEST_FAIL("%s: %s was told for %jd and came at %jd", cert,
				action_text(said->action), (intmax_t)said->at.s,
				(intmax_t)came.s);
	}
}

TEST(the_forecast_is_what_happens)
{
	static const char config[] = SIM_DAEMON SIM_CAS("120d", "60d") SIM_CA_GROUP
		"  example.com:\n"
		"    web: {ca: int, names: [example.com], deploy: [web]}\n"
		"    slow: {ca: int, names: [s.example.com], roll: {window: ['Tue "
		"01:00-04:00']}}\n"
		"    jitter: {ca: int, names: [j.example.com], renew: {spread: "
		"2d}}\n" TARGET_WEB;
	struct instant since;
	struct told told;
	struct sim sim;

	open_served(&sim, config, 8);
	since = instant_add(clock_now(), SECONDS(1));
	sim_advance(&sim, SECONDS(2));
	ask_forecast(&sim, DAYS(200), &told);
	CHECK(told.n >= 20);
	sim_advance(&sim, DAYS(200));
	check_told(&sim, &told, since);
	/* And nothing happened that was not told. */
	sim_advance(&sim, MINUTES(2));
	for (size_t i = 0; i < sim.world.fleet->conf->n_certs; i++) {
		const char *cert = sim.world.fleet->conf->certs[i].name;
		size_t n = 0;

		for (size_t k = 0; k < told.n; k++)
			n += told.at[k].action == ACTION_ISSUE &&
			     str_is(told.at[k].cert->name, cert);
		CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, cert), n + 1);
	}
	sim_close(&sim);
}
