#include "tests/sim/scenario.h"

#include <limits.h>
#include <time.h>

#include "tests/sim/acme.h"

/*
 * One certificate from an ACME CA, its first issue or its renewal, told again and again with one thing
 * going wrong at every possible moment: both processes die, the daemon is stopped in good order, the job is
 * cancelled, a request to the keeper or to the CA is lost before or after it was carried out, or an
 * answer never comes.  However it went, afterwards by itself: no job is left, as much is withdrawn as was
 * published, the certificate is stored and served, exactly one was made, and the CA has nothing to
 * complain about (tests/sim/fake_acme.h): no order was given up that could still give one.
 *
 * $LONG tries every moment under several seeds; without it one in a few, and the first of them is another one
 * each day.  $AT tries one moment only: the one that a complaint named.
 */

enum twist {
	NOTHING,
	DIE,
	STOP,
	CANCEL,
	LOSE_BEFORE,
	LOSE_AFTER,
	HTTP_BEFORE,
	HTTP_AFTER,
	HTTP_HANG,
};

struct tale {
	struct sim sim;
	struct fake_acme *acme;
	enum twist twist;
	bool is_renewal, is_rough;
	unsigned at, n_steps;
};

static bool is_moment(enum twist twist)
{
	return twist == DIE || twist == STOP || twist == CANCEL;
}

static void twist(struct tale *tale)
{
	if (tale->twist == DIE)
		sim_restart(&tale->sim);
	else if (tale->twist == STOP)
		REQUIRE(sim_stop(&tale->sim));
	else if (tale->twist == CANCEL)
		sim_cancel_all(&tale->sim);
}

static void lose(struct tale *tale)
{
	struct keeper *keeper = tale->sim.world.keeper;
	struct internet *internet = &tale->sim.internet;

	if (tale->twist == LOSE_BEFORE || tale->twist == LOSE_AFTER)
		keeper_direct_lose(keeper, tale->at,
			tale->twist == LOSE_BEFORE ? LOSS_BEFORE : LOSS_AFTER);
	else if (tale->twist == HTTP_BEFORE)
		internet_lose(internet, tale->at, HTTP_LOSS_BEFORE);
	else if (tale->twist == HTTP_AFTER)
		internet_lose(internet, tale->at, HTTP_LOSS_AFTER);
	else if (tale->twist == HTTP_HANG)
		internet_lose(internet, tale->at, HTTP_LOSS_HANG);
}

static void go_on(struct tale *tale, struct duration d)
{
	struct instant until = instant_add(clock_now(), d);

	do {
		if (is_moment(tale->twist) && tale->n_steps == tale->at)
			twist(tale);
		tale->n_steps++;
	} while (sim_step(&tale->sim, until));
	sim_advance(&tale->sim, instant_since(until, clock_now()));
}

static void check_end(struct tale *tale)
{
	const struct acme_counts *counts = fake_acme_counts(tale->acme);
	unsigned wanted = tale->is_renewal ? 2 : 1;

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
static unsigned live(
	enum twist twist, unsigned at, bool is_renewal, bool is_rough, uint64_t seed)
{
	struct tale tale = {
		.twist = twist, .at = at, .is_renewal = is_renewal, .is_rough = is_rough
	};
	struct sim *sim = &tale.sim;
	unsigned n_asked, n_sent;

	sim_open(sim, ONE_CA ONE_CERT, seed);
	tale.acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(tale.acme)->has_renewal_info = true;
	/* Short lives are renewed soon. */
	fake_acme_knobs(tale.acme)->cert_life = DAYS(6);
	if (is_rough) {
		fake_acme_knobs(tale.acme)->nonces_rejected = 40;
		fake_acme_knobs(tale.acme)->reuses_authz = true;
		fake_acme_knobs(tale.acme)->always_asks_again = true;
	}
	if (is_renewal) {
		sim_until(sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
		sim_rest(sim, MINUTES(5));
		sim_until(sim, EVENT_JOB_STARTED, WEB, DAYS(8));
	}
	n_asked = sim->n_keepers_asked + keeper_direct_asked(sim->world.keeper);
	n_sent = sim->internet.n_asked;
	lose(&tale);
	go_on(&tale, SECONDS(15));
	n_asked = sim->n_keepers_asked + keeper_direct_asked(sim->world.keeper) - n_asked;
	n_sent = sim->internet.n_asked - n_sent;
	check_end(&tale);
	sim_close(sim);
	return is_moment(twist) ? tale.n_steps : twist >= HTTP_BEFORE ? n_sent : n_asked;
}

static unsigned stride_of(enum twist twist, bool is_renewal, bool is_rough)
{
	if (sim_is_long())
		return 1;
	if (is_moment(twist))
		return is_rough ? 29 : is_renewal ? 19 : 11;
	return is_rough || is_renewal || twist < HTTP_BEFORE ? 4 : 2;
}

static unsigned count_moments(enum twist twist, bool is_renewal, bool is_rough, uint64_t seed)
{
	return live(twist, UINT_MAX, is_renewal, is_rough, seed);
}

static void sweep_seed(enum twist twist, bool is_renewal, bool is_rough, uint64_t seed)
{
	unsigned stride = stride_of(twist, is_renewal, is_rough);
	unsigned first = 1 + (unsigned)(time(NULL) / 86400) % stride, n = 0;
	unsigned n_moments = count_moments(twist, is_renewal, is_rough, seed);

	for (unsigned at = first; at <= n_moments; at += stride, n++) {
		int before = test_failures;

		live(twist, at, is_renewal, is_rough, seed);
		if (test_failures != before)
			printf("# at moment %u of %u, seed %ju\n", at, n_moments,
				(uintmax_t)seed);
		if (test_failures > 20)
			return;
	}
	printf("# %u moments of %u\n", n, n_moments);
}

static void sweep(enum twist twist, bool is_renewal, bool is_rough)
{
	const char *only = getenv("AT");

	for (uint64_t seed = 1; seed <= (sim_is_long() ? 5 : 1); seed++)
		if (only)
			live(twist, (unsigned)atoi(only), is_renewal, is_rough, seed);
		else
			sweep_seed(twist, is_renewal, is_rough, seed);
}

#define SWEEP(name, twist)                                                                     \
	TEST(name##_at_first)                                                                  \
	{                                                                                      \
		sweep(twist, false, false);                                                    \
	}                                                                                      \
	TEST(name##_at_the_renewal)                                                            \
	{                                                                                      \
		sweep(twist, true, false);                                                     \
	}                                                                                      \
	TEST(name##_at_a_rough_ca)                                                             \
	{                                                                                      \
		sweep(twist, false, true);                                                     \
	}

SWEEP(both_processes_die, DIE)
SWEEP(the_daemon_stops, STOP)
SWEEP(the_job_is_cancelled, CANCEL)
SWEEP(a_request_to_the_keeper_is_lost_before_it_is_done, LOSE_BEFORE)
SWEEP(a_request_to_the_keeper_is_lost_after_it_was_done, LOSE_AFTER)
SWEEP(a_request_to_the_ca_is_lost_before_it_is_done, HTTP_BEFORE)
SWEEP(a_request_to_the_ca_is_lost_after_it_was_done, HTTP_AFTER)
SWEEP(the_ca_never_answers_a_request, HTTP_HANG)
