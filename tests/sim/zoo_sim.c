/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include <sched.h>

#include "daemon/ctl/session.h"
#include "tests/sim/acme.h"
#include "tests/zoo/zoo.h"
#include "tests/zoo/zoo_store.h"

/* Read-only commands over configurations with every kind of CA: each answer names the CA that would sign. */

/* An ACME CA comes first, so that the places of local CAs begin at 1. */
#define KINDS                                                                                  \
	ACME_DAEMON "cas:\n" ACME_CA(                                                          \
		"a", "http-01") "  root: {type: local, issuer: ca/root, lifetime: 900d}\n"     \
				"  int: {type: local, issuer: ca/int, lifetime: "              \
				"60d}\n" SIM_CA_GROUP "  example.com:\n"                       \
				"    leaf: {ca: int, names: [leaf.example.com]}\n"             \
				"    list: {ca: [int, root], names: [list.example.com]}\n"     \
				"    mixed: {ca: [root, a], names: [mixed.example.com]}\n"     \
				"    acme: {ca: a, names: [acme.example.com]}\n"               \
				"    self: {ca: self, names: [self.example.com]}\n"

TEST(why_names_the_ca_that_would_sign)
{
	static const struct {
		const char *cert, *says, *says_not;
	} rows[] = {
		{ "ca/root", "row text=", "The CA " },
		{ "ca/int", "The CA root signs with ca/root, which ends at ", NULL },
		{ "example.com/leaf", "The CA int signs with ca/int, which ends at ", NULL },
		{ "example.com/list", "The CA int signs with ca/int, which ends at ", NULL },
		{ "example.com/mixed", "The CA root signs with ca/root, which ends at ", NULL },
		{ "example.com/acme", "row text=", " signs with " },
		{ "example.com/self", "row text=", " signs with " },
	};
	struct sim sim;

	sim_open(&sim, KINDS, 1);
	sim_acme(&sim, A_TEST);
	sim_advance(&sim, MINUTES(5));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *line AUTO_FREE = mem_printf("why %s", rows[i].cert);
		const char *said = sim_command(&sim, line);

		if (!strstr(said, rows[i].says) ||
			(rows[i].says_not && strstr(said, rows[i].says_not)))
			TEST_FAIL("%s: %s", line, said);
	}
	sim_close(&sim);
}

static const uid_t users[] = {
	[ROLE_NONE] = 65534, [ROLE_OBSERVE] = 4, [ROLE_OPERATE] = 5, [ROLE_ADMIN] = 0
};

static void fill(struct store *store)
{
	struct conf *conf = zoo_conf();

	zoo_fill_store(store, conf, clock_now());
	conf_unref(conf);
}

static bool has_forecast;

static void wake(struct session *session)
{
	(void)session;
}

/* Unlike sim_command() it lets no time pass: for a stream, which does not end, and for a forecast's child. */
static const char *ask(
	struct sim *sim, const struct command *command, const char *line, uid_t user)
{
	struct peer peer = { .uid = user };
	struct session session;

	sim->user = user;
	if (command->shape != SHAPE_STREAM && command->id != COMMAND_PLAN)
		return sim_command(sim, line);
	session_init(&session, &sim->world.ctl, &peer, wake);
	buf_clear(&session.out);
	session_feed(&session, line, strlen(line));
	session_feed(&session, "\n", 1);
	buf_clear(&sim->said);
	do
		sim_pull(sim, &session);
	while (session.answer && command->id == COMMAND_PLAN && sched_yield() == 0);
	session_done(&session);
	return buf_text(&sim->said);
}

static void ask_as_everybody(const struct command *command, const char *line, void *data)
{
	struct sim *sim = data;

	for (enum role role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
		struct buf complaint AUTO_BUF = BUF_INIT;
		const char *said;

		/* Each one is a process of its own, so they are made once. */
		if (command->id == COMMAND_PLAN && role >= command->role && has_forecast)
			continue;
		said = ask(sim, command, line, users[role]);
		if (!zoo_judge(command, line, role, said, &complaint))
			TEST_FAIL("%s", buf_text(&complaint));
	}
	sim->user = 0;
}

static void open_zoo(struct sim *sim)
{
	static const struct zoo_places places = { "/sim/state", "https://le.test",
		"https://down.test", "/srv" };
	struct buf config AUTO_BUF = BUF_INIT;

	zoo_config(&places, &config);
	sim_open_filled(sim, buf_text(&config), 1, fill);
	sim->may_expire = sim->may_roll = sim->may_vanish = sim->may_go_back = true;
	sim_acme(sim, "https://le.test/");
}

/* The first moments, in which everything is due and in work, and hours and weeks later. */
TEST(every_command_has_an_answer_about_everything)
{
	static const struct duration waits[] = { { 0 }, { 1 }, { 10 }, { 3600 }, { 86400 },
		{ 20 * 86400 } };
	struct sim sim;

	open_zoo(&sim);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		if (waits[i].s)
			sim_advance(&sim, waits[i]);
		zoo_each_line(ask_as_everybody, &sim);
		has_forecast = true;
	}
	sim_close(&sim);
}

/* What cannot be helped stays in its state, over a restart, too. */
TEST(states_last)
{
	struct sim sim;

	open_zoo(&sim);
	sim_advance(&sim, HOURS(1));
	for (int life = 0; life < 2; life++) {
		for (size_t i = 0; i < zoo_n; i++) {
			char *line AUTO_FREE = mem_printf("status %s", zoo[i].cert);
			const char *health = health_text(zoo[i].health);
			const char *said = sim_command(&sim, line);

			if (zoo[i].why != WHY_NO_ISSUER && zoo[i].why != WHY_INACTIVE &&
				zoo[i].why != WHY_MANUAL && zoo[i].why != WHY_CA_DOWN)
				continue;
			if (!strstr(said, health) || !strstr(said, why_text(zoo[i].why)))
				TEST_FAIL("not %s and %s but %s", health, why_text(zoo[i].why),
					said);
		}
		sim_restart(&sim);
		sim_advance(&sim, MINUTES(10));
	}
	CHECK(store_memory_is_archived(sim.store, ZOO_ARCHIVED));
	sim_close(&sim);
}
