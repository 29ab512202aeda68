/* SPDX-License-Identifier: MIT */
#include "tests/sim/sweep.h"

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

/* Of the story. */
enum { SMOOTH, ROUGH };

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

static void check_counts(struct tale *tale, const char *cert, unsigned most)
{
	unsigned added = store_memory_added(tale->sim.store, cert);

	if (added < 1 || added > most)
		sim_break(&tale->sim, "%s got %u versions", cert, added);
}

/* The number of steps, or of requests, that the life took. */
static unsigned tell(struct tale *tale)
{
	struct sim *sim = &tale->sim;
	bool is_rough = tale->variant == ROUGH;
	unsigned n_asked;

	sim_open(sim, config, tale->seed);
	sweep_lose(tale);
	if (is_rough) {
		town_script(&sim->town, "check-back", NULL, 1, ERR_COMMAND_FAILED, 0);
		town_script(&sim->town, "before", WEB, 1, ERR_COMMAND_FAILED, 0);
		town_script(&sim->town, "reload front", NULL, 1, ERR_COMMAND_FAILED, 0);
	}
	sweep_go_on(tale, is_rough ? MINUTES(3) : SECONDS(10));
	sim_command(sim, "renew example.com/* --force");
	sweep_go_on(tale, SECONDS(20));
	n_asked = sim->n_keepers_asked + keeper_direct_asked(sim->world.keeper);
	sim_advance(sim, MINUTES(15));
	sim_rest(sim, MINUTES(1));
	sim_expect_settled(sim);
	check_counts(tale, ROOT, 1);
	check_counts(tale, WEB, 2);
	check_counts(tale, MAIL, 2);
	if (tale->twist != DIE && tale->twist != STOP && sim->n_restarts == 0)
		CHECK_INT(sim_count(sim, EVENT_JOB_DONE, NULL),
			sim_count(sim, EVENT_JOB_STARTED, NULL));
	sim_close(sim);
	return sweep_is_moment(tale->twist) ? tale->n_steps : n_asked;
}

static void sweep(int twist, unsigned variant)
{
	sweep_tell(&(struct sweep){ .tell = tell,
		.twist = twist,
		.variant = variant,
		.stride = sweep_is_moment(twist) ? STRIDE : STRIDE_OF_LOSSES,
		.seeds = 5 });
}

TEST(both_processes_die_at_every_moment)
{
	sweep(DIE, SMOOTH);
}

TEST(both_processes_die_while_things_fail)
{
	sweep(DIE, ROUGH);
}

TEST(the_daemon_stops_at_every_moment)
{
	sweep(STOP, SMOOTH);
}

TEST(jobs_are_cancelled_at_every_moment)
{
	sweep(CANCEL, SMOOTH);
}

TEST(jobs_are_cancelled_while_things_fail)
{
	sweep(CANCEL, ROUGH);
}

TEST(every_request_is_lost_before_it_is_done)
{
	sweep(LOSE_BEFORE, SMOOTH);
}

TEST(every_request_is_lost_after_it_was_done)
{
	sweep(LOSE_AFTER, SMOOTH);
}

TEST(every_request_is_lost_while_things_fail)
{
	sweep(LOSE_BEFORE, ROUGH);
	sweep(LOSE_AFTER, ROUGH);
}
