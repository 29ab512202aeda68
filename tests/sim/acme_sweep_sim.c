/* SPDX-License-Identifier: MIT */
#include "tests/sim/sweep.h"

#include "tests/sim/acme.h"

/*
 * One certificate from an ACME CA, its first issue or its renewal, told again and again with one thing
 * going wrong at every possible moment: both processes die, the daemon is stopped in good order, the job is
 * cancelled, a request to the keeper or to the CA is lost before or after it was carried out, or an
 * answer never comes.  However it went, afterwards by itself: no job is left, as much is withdrawn as was
 * published, the certificate is stored and served, exactly one was made, and the CA has nothing to
 * complain about (tests/sim/fake_acme.h): no order was given up that could still give one.
 */

enum { HTTP_BEFORE = TWISTS, HTTP_AFTER, HTTP_HANG };

/* Of the story. */
enum { FIRST, RENEWAL, ROUGH };

static void lose(struct tale *tale)
{
	struct internet *internet = &tale->sim.internet;

	sweep_lose(tale);
	if (tale->twist == HTTP_BEFORE)
		internet_lose(internet, tale->at, HTTP_LOSS_BEFORE);
	else if (tale->twist == HTTP_AFTER)
		internet_lose(internet, tale->at, HTTP_LOSS_AFTER);
	else if (tale->twist == HTTP_HANG)
		internet_lose(internet, tale->at, HTTP_LOSS_HANG);
}

static void check_end(struct tale *tale)
{
	const struct acme_counts *counts = fake_acme_counts(tale->sim.acmes[0]);
	unsigned wanted = tale->variant == RENEWAL ? 2 : 1;

	sim_advance(&tale->sim, MINUTES(20));
	sim_rest(&tale->sim, MINUTES(2));
	sim_expect_settled(&tale->sim);
	CHECK_INT(store_memory_added(tale->sim.store, WEB), wanted);
	CHECK_INT(counts->n_accounts, 1);
	CHECK_INT(counts->n_issued, wanted);
	CHECK_INT(counts->n_fetched, wanted);
	/* Who stops or cancels lets the CA finish its look. */
	if (tale->twist == STOP || tale->twist == CANCEL)
		CHECK_INT(counts->n_invalid, 0);
	/* One more when nobody could know of the first. */
	CHECK(counts->n_orders == wanted ||
		(tale->twist != NOTHING && counts->n_orders == wanted + 1));
}

/* How much of what the twist counts there was. */
static unsigned tell(struct tale *tale)
{
	struct sim *sim = &tale->sim;
	struct acme_knobs *knobs;
	unsigned n_asked, n_sent;

	sim_open(sim, ONE_CA ONE_CERT, tale->seed);
	knobs = fake_acme_knobs(sim_acme(sim, A_TEST));
	knobs->has_renewal_info = true;
	/* Short lives are renewed soon. */
	knobs->cert_life = DAYS(6);
	if (tale->variant == ROUGH) {
		knobs->nonces_rejected = 40;
		knobs->reuses_authz = true;
		knobs->always_asks_again = true;
	}
	if (tale->variant == RENEWAL) {
		sim_until(sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
		sim_rest(sim, MINUTES(5));
		sim_until(sim, EVENT_JOB_STARTED, WEB, DAYS(8));
	}
	n_asked = sim->n_keepers_asked + keeper_direct_asked(sim->world.keeper);
	n_sent = sim->internet.n_asked;
	lose(tale);
	sweep_go_on(tale, SECONDS(15));
	n_asked = sim->n_keepers_asked + keeper_direct_asked(sim->world.keeper) - n_asked;
	n_sent = sim->internet.n_asked - n_sent;
	check_end(tale);
	sim_close(sim);
	return sweep_is_moment(tale->twist) ? tale->n_steps
	       : tale->twist < TWISTS       ? n_asked
					    : n_sent;
}

static unsigned stride_of(int twist, unsigned variant)
{
	if (sweep_is_moment(twist))
		return variant == ROUGH ? 29 : variant == RENEWAL ? 19 : 11;
	return variant != FIRST || twist < TWISTS ? 4 : 2;
}

static void sweep(int twist, unsigned variant)
{
	sweep_tell(&(struct sweep){ .tell = tell,
		.twist = twist,
		.variant = variant,
		.stride = stride_of(twist, variant),
		.seeds = 5 });
}

#define SWEEP(name, twist)                                                                     \
	TEST(name##_at_first)                                                                  \
	{                                                                                      \
		sweep(twist, FIRST);                                                           \
	}                                                                                      \
	TEST(name##_at_the_renewal)                                                            \
	{                                                                                      \
		sweep(twist, RENEWAL);                                                         \
	}                                                                                      \
	TEST(name##_at_a_rough_ca)                                                             \
	{                                                                                      \
		sweep(twist, ROUGH);                                                           \
	}

SWEEP(both_processes_die, DIE)
SWEEP(the_daemon_stops, STOP)
SWEEP(the_job_is_cancelled, CANCEL)
SWEEP(a_request_to_the_keeper_is_lost_before_it_is_done, LOSE_BEFORE)
SWEEP(a_request_to_the_keeper_is_lost_after_it_was_done, LOSE_AFTER)
SWEEP(a_request_to_the_ca_is_lost_before_it_is_done, HTTP_BEFORE)
SWEEP(a_request_to_the_ca_is_lost_after_it_was_done, HTTP_AFTER)
SWEEP(the_ca_never_answers_a_request, HTTP_HANG)
