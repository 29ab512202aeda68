#include "tests/sim/scenario.h"

#include <limits.h>
#include <time.h>

#include "tests/sim/acme.h"

/*
 * A certificate that is proven by records at a lagging server, an extra one and an alias, told again and
 * again with one thing going wrong at every possible moment: both processes die, the daemon is stopped in good
 * order, the job is cancelled, a question to a name server gets no answer at once or after all tries, a request to
 * the keeper is lost.  However it went, afterwards by itself: no job is left, as much is withdrawn as was
 * published, the certificate is served, the CA never looked in vain and has nothing to complain about.
 *
 * $LONG tries every moment under several seeds; without it one in a few, another one each day.  $AT tries one moment
 * only: the one that a complaint named.
 */

#define NET "challenges.net: " DNS_PUBLISH
#define CONFIG                                                                                 \
	ACME_DAEMON DNS_OF(                                                                    \
		"extra_nameservers: [192.0.2.99]", DNS_ZONES ", " NET) "cas:\n" ACME_CA("a",   \
		"dns-01") "groups:\n  example.com:\n"                                          \
			  "    web: {ca: a, names: [example.com, '*.example.com', "            \
			  "www.example.com], deploy: [front]}\n" FRONT

enum { NAMES = 3 };

enum twist { NOTHING, DIE, STOP, CANCEL, DNS_LOST, DNS_HANGS, LOSE_BEFORE, LOSE_AFTER };

struct tale {
	struct sim sim;
	enum twist twist;
	unsigned at, n_steps;
	/* A death takes back what is shown, and the next life shows the same again: in between the CA may look in
	 * vain, be it that it looks just then, be it at a server that lagged and was seen to show the first. */
	bool takes_back;
};

static bool is_moment(enum twist twist)
{
	return twist == DIE || twist == STOP || twist == CANCEL;
}

static void twist(struct tale *tale)
{
	const struct town *town = &tale->sim.town;

	tale->takes_back = tale->twist == DIE && town->n_published > town->n_withdrawn;
	if (tale->twist == DIE)
		sim_restart(&tale->sim);
	else if (tale->twist == STOP)
		REQUIRE(sim_stop(&tale->sim));
	else if (tale->twist == CANCEL)
		sim_cancel_all(&tale->sim);
}

static void lose(struct tale *tale)
{
	if (tale->twist == DNS_LOST || tale->twist == DNS_HANGS)
		wires_lose(&tale->sim.wires, tale->at, tale->twist == DNS_HANGS);
	else if (tale->twist == LOSE_BEFORE || tale->twist == LOSE_AFTER)
		keeper_direct_lose(tale->sim.world.keeper, tale->at,
			tale->twist == LOSE_BEFORE ? LOSS_BEFORE : LOSS_AFTER);
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
	const struct acme_counts *counts = fake_acme_counts(tale->sim.acmes[0]);

	sim_advance(&tale->sim, MINUTES(30));
	sim_rest(&tale->sim, MINUTES(2));
	sim_expect_settled(&tale->sim);
	CHECK_INT(store_memory_added(tale->sim.store, WEB), 1);
	CHECK_INT(counts->n_issued, 1);
	/* An order that fails at once takes everything back, also what the CA is looking at. */
	if (!tale->takes_back && tale->twist < LOSE_BEFORE)
		CHECK_INT(counts->n_invalid, 0);
	CHECK(counts->n_orders == 1 || (tale->twist != NOTHING && counts->n_orders == 2));
}

/* How much of what the twist counts there was. */
static unsigned live(enum twist twist, unsigned at, uint64_t seed)
{
	struct tale tale = { .twist = twist, .at = at };
	struct sim *sim = &tale.sim;
	unsigned n;

	sim_open(sim, CONFIG, seed);
	fake_acme_knobs(sim_acme(sim, A_TEST))->identity = "ca.test";
	wires_resolver(&sim->wires, "192.0.2.99");
	wires_serve(&sim->wires, "example.com", "ns3.example.com", "192.0.2.3", 8000);
	wires_serve(&sim->wires, "net", "ns.net", "203.0.113.2", 0);
	wires_serve(&sim->wires, "challenges.net", "ns1.challenges.net", "192.0.2.21", 0);
	wires_add(
		&sim->wires, "_acme-challenge.www.example.com", DNS_CNAME, "w.challenges.net");
	wires_settle(&sim->wires);
	lose(&tale);
	go_on(&tale, SECONDS(60));
	n = is_moment(twist)       ? tale.n_steps
	    : twist >= LOSE_BEFORE ? keeper_direct_asked(sim->world.keeper)
				   : sim->wires.n_begun;
	check_end(&tale);
	sim_close(sim);
	return n;
}

static void sweep_seed(enum twist twist, uint64_t seed)
{
	unsigned stride = sim_is_long() ? 1 : is_moment(twist) ? 17 : 4;
	unsigned first = 1 + (unsigned)(time(NULL) / 86400) % stride, n = 0;
	unsigned n_moments = live(twist, UINT_MAX, seed);

	for (unsigned at = first; at <= n_moments; at += stride, n++) {
		int before = test_failures;

		live(twist, at, seed);
		if (test_failures != before)
			printf("# at moment %u of %u, seed %ju\n", at, n_moments,
				(uintmax_t)seed);
		if (test_failures > 20)
			return;
	}
	printf("# %u moments of %u\n", n, n_moments);
}

static void sweep(enum twist twist)
{
	const char *only = getenv("AT");

	for (uint64_t seed = 1; seed <= (sim_is_long() ? 3 : 1); seed++)
		if (only)
			live(twist, (unsigned)atoi(only), seed);
		else
			sweep_seed(twist, seed);
}

#define SWEEP(name, twist)                                                                     \
	TEST(name)                                                                             \
	{                                                                                      \
		sweep(twist);                                                                  \
	}

TEST(nothing_goes_wrong)
{
	live(NOTHING, UINT_MAX, 1);
}

SWEEP(both_processes_die, DIE)
SWEEP(the_daemon_stops, STOP)
SWEEP(the_job_is_cancelled, CANCEL)
SWEEP(a_question_is_lost, DNS_LOST)
SWEEP(a_question_hangs, DNS_HANGS)
SWEEP(a_request_to_the_keeper_is_lost_before_it_is_done, LOSE_BEFORE)
SWEEP(a_request_to_the_keeper_is_lost_after_it_was_done, LOSE_AFTER)
