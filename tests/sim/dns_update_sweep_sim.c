/* SPDX-License-Identifier: MIT */
#include "tests/sim/sweep.h"

#include "tests/sim/update_world.h"

/*
 * A certificate that is proven by dynamic updates, told again and again with one thing going wrong at every possible
 * moment: both processes die, the daemon is stopped in good order, the job is cancelled; an update is lost on its way
 * there or back, or nobody listens; a request to the keeper is lost.  However it went, afterwards by itself: the zone
 * holds no record of ours, the journal is empty, the certificate is served, and the CA has nothing to complain about.
 */

#define CERTS                                                                                  \
	"    web: {ca: a, names: [example.com, '*.example.com', www.example.com], deploy: "    \
	"[front]}\n"

enum { UPDATE_DEAF = TWISTS, UPDATE_MUTE, UPDATE_AWAY };

static void lose(struct tale *tale)
{
	struct primary *primary = &tale->sim.wires.primary;

	primary->lose_at = tale->at;
	primary->loss = tale->twist == UPDATE_DEAF   ? PRIMARY_DEAF
			: tale->twist == UPDATE_MUTE ? PRIMARY_MUTE
			: tale->twist == UPDATE_AWAY ? PRIMARY_AWAY
						     : PRIMARY_WELL;
	sweep_lose(tale);
}

static void check_end(struct tale *tale)
{
	const struct acme_counts *counts = fake_acme_counts(tale->sim.acmes[0]);

	/* Half an hour would hide a wait until the deadline. */
	sim_advance(&tale->sim, MINUTES(25));
	sim_rest(&tale->sim, MINUTES(2));
	sim_expect_settled(&tale->sim);
	CHECK(!wires_holds(&tale->sim.wires, NULL, DNS_TXT, NULL));
	CHECK_INT(fake_challenges_left(&tale->sim.town), 0);
	CHECK_INT(store_memory_added(tale->sim.store, WEB), 1);
	CHECK_INT(counts->n_issued, 1);
	if (!tale->takes_back)
		CHECK_INT(counts->n_invalid, 0);
	CHECK(counts->n_orders == 1 || (tale->twist != NOTHING && counts->n_orders == 2));
}

/* How much of what the twist counts there was. */
static unsigned tell(struct tale *tale)
{
	struct sim *sim = &tale->sim;
	unsigned n;

	update_open(sim, "server: 192.0.2.1, ", CERTS, tale->seed);
	wires_serve(&sim->wires, "example.com", "ns3.example.com", "192.0.2.3", 8000);
	lose(tale);
	sweep_go_on(tale, SECONDS(60));
	n = sweep_is_moment(tale->twist) ? tale->n_steps
	    : tale->twist < TWISTS       ? keeper_direct_asked(sim->world.keeper)
					 : sim->wires.primary.n_begun;
	check_end(tale);
	sim_close(sim);
	return n;
}

static void sweep(int twist)
{
	sweep_tell(&(struct sweep){ .tell = tell,
		.twist = twist,
		.stride = sweep_is_moment(twist) ? 17
			  : twist < TWISTS       ? 4
						 : 1,
		.seeds = 3 });
}

TEST(nothing_goes_wrong)
{
	tell(&(struct tale){ .at = UINT_MAX, .seed = 1 });
}

TEST(both_processes_die)
{
	sweep(DIE);
}

TEST(the_daemon_stops)
{
	sweep(STOP);
}

TEST(the_job_is_cancelled)
{
	sweep(CANCEL);
}

TEST(an_update_is_lost)
{
	sweep(UPDATE_DEAF);
}

TEST(the_answer_to_an_update_is_lost)
{
	sweep(UPDATE_MUTE);
}

TEST(nobody_listens_for_an_update)
{
	sweep(UPDATE_AWAY);
}

TEST(a_request_to_the_keeper_is_lost_before_it_is_done)
{
	sweep(LOSE_BEFORE);
}

TEST(a_request_to_the_keeper_is_lost_after_it_was_done)
{
	sweep(LOSE_AFTER);
}
