/* SPDX-License-Identifier: MIT */
#include "tests/sim/sweep.h"

#include "tests/sim/acme.h"

/*
 * A certificate that is proven by records at a lagging server, an extra one and an alias, told again and
 * again with one thing going wrong at every possible moment: both processes die, the daemon is stopped in good
 * order, the job is cancelled, a question to a name server gets no answer at once or after all tries, a request to
 * the keeper is lost.  However it went, afterwards by itself: no job is left, as much is withdrawn as was
 * published, the certificate is served, the CA never looked in vain and has nothing to complain about.
 */

#define NET "challenges.net: " DNS_PUBLISH
#define CONFIG                                                                                 \
	ACME_DAEMON DNS_OF(                                                                    \
		"extra_nameservers: [192.0.2.99]", DNS_ZONES ", " NET) "cas:\n" ACME_CA("a",   \
		"dns-01") "groups:\n  example.com:\n"                                          \
			  "    web: {ca: a, names: [example.com, '*.example.com', "            \
			  "www.example.com], deploy: [front]}\n" FRONT

enum { DNS_LOST = TWISTS, DNS_HANGS };

static void lose(struct tale *tale)
{
	if (tale->twist == DNS_LOST || tale->twist == DNS_HANGS)
		wires_lose(&tale->sim.wires, tale->at, tale->twist == DNS_HANGS);
	sweep_lose(tale);
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
	if (!tale->takes_back && (sweep_is_moment(tale->twist) || tale->twist >= TWISTS))
		CHECK_INT(counts->n_invalid, 0);
	CHECK(counts->n_orders == 1 || (tale->twist != NOTHING && counts->n_orders == 2));
}

/* How much of what the twist counts there was. */
static unsigned tell(struct tale *tale)
{
	struct sim *sim = &tale->sim;
	unsigned n;

	sim_open(sim, CONFIG, tale->seed);
	fake_acme_knobs(sim_acme(sim, A_TEST))->identity = "ca.test";
	wires_resolver(&sim->wires, "192.0.2.99");
	wires_serve(&sim->wires, "example.com", "ns3.example.com", "192.0.2.3", 8000);
	wires_serve(&sim->wires, "net", "ns.net", "203.0.113.2", 0);
	wires_serve(&sim->wires, "challenges.net", "ns1.challenges.net", "192.0.2.21", 0);
	wires_add(
		&sim->wires, "_acme-challenge.www.example.com", DNS_CNAME, "w.challenges.net");
	wires_settle(&sim->wires);
	lose(tale);
	sweep_go_on(tale, SECONDS(60));
	n = sweep_is_moment(tale->twist) ? tale->n_steps
	    : tale->twist < TWISTS       ? keeper_direct_asked(sim->world.keeper)
					 : sim->wires.n_begun;
	check_end(tale);
	sim_close(sim);
	return n;
}

static void sweep(int twist)
{
	sweep_tell(&(struct sweep){ .tell = tell,
		.twist = twist,
		.stride = sweep_is_moment(twist) ? 17 : 4,
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

TEST(a_question_is_lost)
{
	sweep(DNS_LOST);
}

TEST(a_question_hangs)
{
	sweep(DNS_HANGS);
}

TEST(a_request_to_the_keeper_is_lost_before_it_is_done)
{
	sweep(LOSE_BEFORE);
}

TEST(a_request_to_the_keeper_is_lost_after_it_was_done)
{
	sweep(LOSE_AFTER);
}
