#include "tests/sim/scenario.h"

#include <time.h>

#include "lib/task/loop_virtual.h"

/*
 * One compact life, told again and again with one thing going wrong at every possible moment: both
 * processes die, the daemon is stopped in good order, every job is cancelled, or one request is
 * lost before or after the keeper did it.  However it went, everything comes into line afterwards by
 * itself, nothing is left running, and no version is made twice.
 *
 * $LONG makes it try every moment under several seeds; without it one in a few, and the first of them
 * is another one each day.  $AT tries one moment only: the one that a complaint named.
 */

enum { STRIDE = 8, STRIDE_OF_LOSSES = 2 };

#define ROOT "ca/root"
#define WEB "example.com/web"
#define MAIL "example.com/mail"

static const char config[] = SIM_DAEMON
	"defaults: {key: ed25519, roll: {min_age: 5s}}\n"
	"cas:\n"
	"  root: {type: local, issuer: ca/root, lifetime: 60d}\n"
	"groups:\n"
	"  ca:\n"
	"    root: {ca: self, subject: {CN: Root}, lifetime: 3650d}\n"
	"  example.com:\n"
	"    web: {ca: root, names: [example.com], deploy: [front, back]}\n"
	"    mail: {ca: root, names: [mail.example.com], deploy: [back]}\n"
	"targets:\n"
	"  back: {dir: /srv/back, check: [check-back], after_copy: [copied],\n"
	"         reload: {command: [reload-back]}}\n"
	"  front: {dir: /srv/front, check: [check-front], reload: {command: [reload-front]},\n"
	"          after: [back], include_next: true}\n"
	"hooks: {before_issue: [before], after_issue: [after], before_roll: [before-roll],\n"
	"        after_roll: [after-roll]}\n";

enum twist { NOTHING, DIE, STOP, CANCEL, LOSE_BEFORE, LOSE_AFTER };

struct tale {
	struct sim sim;
	enum twist twist;
	unsigned at, n_steps;
};

static void twist(struct tale *tale)
{
	if (tale->twist == DIE)
		sim_restart(&tale->sim);
	else if (tale->twist == STOP)
		REQUIRE(sim_stop(&tale->sim));
	else if (tale->twist == CANCEL)
		sim_cancel_all(&tale->sim);
}

static void go_on(struct tale *tale, struct duration d)
{
	struct instant until = instant_add(clock_now(), d);

	for (;;) {
		bool is_lost = tale->twist == LOSE_BEFORE || tale->twist == LOSE_AFTER;

		if (!is_lost && tale->n_steps == tale->at)
			twist(tale);
		tale->n_steps++;
		if (!sim_step(&tale->sim, until))
			break;
	}
	sim_advance(&tale->sim, instant_since(until, clock_now()));
}

static void check_counts(struct tale *tale, const char *cert, unsigned most)
{
	unsigned added = store_memory_added(tale->sim.store, cert);

	if (added < 1 || added > most)
		sim_break(&tale->sim, "%s got %u versions", cert, added);
}

/* The number of steps, or of requests, that the life took. */
static unsigned live(enum twist twist, unsigned at, bool is_rough, uint64_t seed)
{
	struct tale tale = { .twist = twist, .at = at };
	struct sim *sim = &tale.sim;
	unsigned n_asked;

	sim_open(sim, config, seed);
	if (twist == LOSE_BEFORE || twist == LOSE_AFTER)
		keeper_direct_lose(
			sim->world.keeper, at, twist == LOSE_BEFORE ? LOSS_BEFORE : LOSS_AFTER);
	if (is_rough) {
		town_script(&sim->town, "check-back", NULL, 1, ERR_COMMAND_FAILED, 0);
		town_script(&sim->town, "before", WEB, 1, ERR_COMMAND_FAILED, 0);
		town_script(&sim->town, "reload front", NULL, 1, ERR_COMMAND_FAILED, 0);
	}
	go_on(&tale, is_rough ? MINUTES(3) : SECONDS(10));
	sim_command(sim, "renew example.com/* --force");
	go_on(&tale, SECONDS(20));
	n_asked = sim->n_keepers_asked + keeper_direct_asked(sim->world.keeper);
	sim_advance(sim, MINUTES(15));
	sim_rest(sim, MINUTES(1));
	sim_expect_settled(sim);
	check_counts(&tale, ROOT, 1);
	check_counts(&tale, WEB, 2);
	check_counts(&tale, MAIL, 2);
	if (twist != DIE && twist != STOP && sim->n_restarts == 0)
		CHECK_INT(sim_count(sim, EVENT_JOB_DONE, NULL),
			sim_count(sim, EVENT_JOB_STARTED, NULL));
	sim_close(sim);
	return twist == LOSE_BEFORE || twist == LOSE_AFTER || at == 0 ? n_asked : tale.n_steps;
}

/* Once without and then with it at each moment. */
static void sweep(enum twist twist, bool is_rough)
{
	const char *only = getenv("AT");
	bool is_long = sim_is_long(), is_loss = twist >= LOSE_BEFORE;
	unsigned stride = is_long ? 1 : is_loss ? STRIDE_OF_LOSSES : STRIDE, n = 0;

	for (uint64_t seed = 1; seed <= (is_long ? 5 : 1); seed++) {
		unsigned n_moments = live(NOTHING, is_loss ? 0 : UINT32_MAX, is_rough, seed);
		unsigned first = 1 + (unsigned)(time(NULL) / 86400) % stride;

		if (only) {
			live(twist, (unsigned)atoi(only), is_rough, seed);
			continue;
		}
		for (unsigned at = first; at <= n_moments; at += stride, n++) {
			int before = test_failures;

			live(twist, at, is_rough, seed);
			if (test_failures != before)
				printf("# at moment %u of %u, seed %ju\n", at, n_moments,
					(uintmax_t)seed);
			if (test_failures > 20)
				return;
		}
	}
	printf("# %u moments\n", n);
}

TEST(both_processes_die_at_every_moment)
{
	sweep(DIE, false);
}

TEST(both_processes_die_while_things_fail)
{
	sweep(DIE, true);
}

TEST(the_daemon_stops_at_every_moment)
{
	sweep(STOP, false);
}

TEST(jobs_are_cancelled_at_every_moment)
{
	sweep(CANCEL, false);
}

TEST(jobs_are_cancelled_while_things_fail)
{
	sweep(CANCEL, true);
}

TEST(every_request_is_lost_before_it_is_done)
{
	sweep(LOSE_BEFORE, false);
}

TEST(every_request_is_lost_after_it_was_done)
{
	sweep(LOSE_AFTER, false);
}

TEST(every_request_is_lost_while_things_fail)
{
	sweep(LOSE_BEFORE, true);
	sweep(LOSE_AFTER, true);
}
