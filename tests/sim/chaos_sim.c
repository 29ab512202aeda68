/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include <time.h>

#include "lib/task/loop_virtual.h"

/*
 * Days in which everything happens at random: deaths, stops, cancellations, commands and reloads
 * that fail, disks that fill up, operators in a hurry, other configurations, suspends.  No fault lasts
 * longer than what a certificate has left for it, so nothing may ever be served that has ended; in
 * the end all is in line.  $LONG tries more seeds.
 */

enum { SEEDS = 6, SEEDS_LONG = 200, ROUNDS = 60 };

#define HEAD                                                                                   \
	SIM_DAEMON                                                                             \
	"defaults: {key: ed25519, roll: {min_age: 5m}}\n"                                      \
	"cas:\n"                                                                               \
	"  root: {type: local, issuer: ca/root, lifetime: 3d}\n"                               \
	"  int: {type: local, issuer: ca/int, lifetime: 12h}\n"                                \
	"groups:\n"                                                                            \
	"  ca:\n"                                                                              \
	"    root: {ca: self, subject: {CN: Root}, lifetime: 3650d}\n"                         \
	"    int: {ca: root, subject: {CN: Int}, path_length: 0, deploy: [trust]}\n"           \
	"  example.com:\n"
#define TAIL                                                                                   \
	"targets:\n"                                                                           \
	"  back: {dir: /srv/back, check: [check-back], reload: {command: [r]}}\n"              \
	"  front: {dir: /srv/front, check: [check-front], reload: {command: [r]},\n"           \
	"          after: [back]}\n"                                                           \
	"  trust: {dir: /srv/trust, formats: [anchor], reload: {command: [r]}}\n"              \
	"hooks: {before_issue: [ask], after_issue: [told], before_roll: [ask],\n"              \
	"        after_roll: [told]}\n"

static const char *const configs[] = {
	HEAD "    a: {ca: int, names: [a.example.com], deploy: [front, back]}\n"
	     "    b: {ca: int, names: [b.example.com], deploy: [back]}\n"
	     "    c: {ca: root, names: [c.example.com], deploy: [front]}\n" TAIL,
	HEAD "    a: {ca: int, names: [a.example.com, x.example.com], deploy: [front, back]}\n"
	     "    b: {ca: int, names: [b.example.com], deploy: [back], key: 'ec:P-256'}\n"
	     "    c: {ca: root, names: [c.example.com], deploy: [front]}\n"
	     "    d: {ca: int, names: [d.example.com], deploy: [back, front]}\n" TAIL,
};

static const char *const certs[] = { "ca/int", "example.com/a", "example.com/b",
	"example.com/c" };

static const char *const commands[] = { "check-back", "check-front", "ask", "told",
	"reload back", "reload front" };

static int64_t dice(struct sim *sim, int64_t n)
{
	return town_delay(&sim->town, n) - 1;
}

/* Some steps, so that what comes next falls into the middle of something. */
static void stumble(struct sim *sim)
{
	for (int64_t n = dice(sim, 40); n > 0; n--)
		sim_step(sim, instant_add(clock_now(), MINUTES(10)));
}

static void disturb(struct sim *sim)
{
	static const int64_t takes[] = { 0, 30000, 90000 };

	switch (dice(sim, 10)) {
	case 0:
		sim_restart(sim);
		break;
	case 1:
		REQUIRE(sim_stop(sim));
		break;
	case 2:
		sim_cancel_all(sim);
		break;
	case 3:
		keeper_direct_lose(sim->world.keeper, 1 + (unsigned)dice(sim, 5),
			dice(sim, 2) ? LOSS_BEFORE : LOSS_AFTER);
		break;
	case 4:
		town_script(&sim->town, commands[dice(sim, ARRAY_LEN(commands))], NULL, 1,
			dice(sim, 3) ? ERR_COMMAND_FAILED : ERR_NONE, takes[dice(sim, 3)]);
		break;
	case 5:
		store_memory_fail(
			sim->store, certs[dice(sim, ARRAY_LEN(certs))], ERR_DISK_FULL);
		sim_advance(sim, MINUTES(dice(sim, 5)));
		stumble(sim);
		for (size_t i = 0; i < ARRAY_LEN(certs); i++)
			store_memory_fail(sim->store, certs[i], ERR_NONE);
		break;
	case 6:
		sim_command(sim, "renew example.com/* --force");
		break;
	case 7:
		sim_command(sim, "roll example.com/* --force");
		break;
	case 8:
		CHECK_INT(sim_reload(sim, configs[dice(sim, ARRAY_LEN(configs))]), 0);
		break;
	case 9:
		sim_suspend(sim, MINUTES(dice(sim, 30)));
		break;
	default:
		break;
	}
}

static void live(uint64_t seed)
{
	struct sim sim;

	sim_open(&sim, configs[0], seed);
	sim.may_roll = sim.may_vanish = true;
	sim_rest(&sim, MINUTES(1));
	for (int i = 0; i < ROUNDS; i++) {
		disturb(&sim);
		if (dice(&sim, 3))
			stumble(&sim);
		else
			sim_advance(&sim, MINUTES(dice(&sim, 180)));
	}
	town_forgive(&sim.town);
	CHECK_INT(sim_reload(&sim, configs[0]), 0);
	sim_advance(&sim, HOURS(6));
	sim_rest(&sim, MINUTES(10));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(days_in_which_everything_happens)
{
	unsigned n = sim_is_long() ? SEEDS_LONG : SEEDS;
	unsigned first = (unsigned)(time(NULL) / 86400) % 1000;

	for (unsigned seed = first; seed < first + n; seed++) {
		int before = test_failures;

		live(getenv("AT") ? (uint64_t)atoi(getenv("AT")) : seed);
		if (test_failures != before)
			printf("# seed %u\n", seed);
		if (getenv("AT") || test_failures > 20)
			return;
	}
}
