/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_SWEEP_H
#define CERTD_TESTS_SIM_SWEEP_H

#include <limits.h>
#include <time.h>

#include "tests/sim/scenario.h"

/*
 * One story told again and again with one thing going wrong at every possible moment.
 *
 * A program of sweeps has a function that tells the story once, from sim_open() to sim_close(), with its twist at the
 * moment `at`, and returns how many such moments there were; sweep_tell() does the rest.  In the story
 * sweep_go_on() passes the time, and strikes when the moment of a twist of the daemon has come; sweep_lose() has
 * a request to the keeper lost; what is needed for twists of its own, the program does itself.
 *
 * $LONG tries every moment under several seeds; without it one in `stride`, and the first of them is another one each
 * day.  $AT tries one moment only: the one that a complaint named.
 */

enum twist {
	NOTHING,
	DIE,    /* both processes, at once */
	STOP,   /* the daemon in good order */
	CANCEL, /* every job */
	LOSE_BEFORE,
	LOSE_AFTER, /* a request to the keeper, before or after it was carried out */
	TWISTS,     /* a program's own begin here */
};

struct tale {
	struct sim sim;
	int twist;
	unsigned at, n_steps, variant;
	uint64_t seed;
	/* A death takes back what is shown, and the next life shows the same again: in between the CA may look in
	 * vain, be it that it looks just then, be it at a server that lagged and was seen to show the first. */
	bool takes_back;
};

struct sweep {
	unsigned (*tell)(struct tale *tale);
	int twist;
	unsigned variant; /* of the story; the program's own numbers */
	unsigned stride, seeds;
};

static inline bool sweep_is_moment(int twist)
{
	return twist == DIE || twist == STOP || twist == CANCEL;
}

static inline void sweep_strike(struct tale *tale)
{
	struct sim *sim = &tale->sim;

	tale->takes_back = tale->twist == DIE && wires_holds(&sim->wires, NULL, DNS_TXT, NULL);
	if (tale->twist == DIE)
		sim_restart(sim);
	else if (tale->twist == STOP)
		REQUIRE(sim_stop(sim));
	else
		sim_cancel_all(sim);
}

static inline void sweep_go_on(struct tale *tale, struct duration d)
{
	struct instant until = instant_add(clock_now(), d);

	do {
		if (sweep_is_moment(tale->twist) && tale->n_steps == tale->at)
			sweep_strike(tale);
		tale->n_steps++;
	} while (sim_step(&tale->sim, until));
	sim_advance(&tale->sim, instant_since(until, clock_now()));
}

static inline void sweep_lose(struct tale *tale)
{
	if (tale->twist == LOSE_BEFORE || tale->twist == LOSE_AFTER)
		keeper_direct_lose(tale->sim.world.keeper, tale->at,
			tale->twist == LOSE_BEFORE ? LOSS_BEFORE : LOSS_AFTER);
}

static inline unsigned sweep_once(const struct sweep *sweep, unsigned at, uint64_t seed)
{
	struct tale tale = {
		.twist = sweep->twist, .at = at, .variant = sweep->variant, .seed = seed
	};

	return sweep->tell(&tale);
}

static inline void sweep_seed(const struct sweep *sweep, uint64_t seed)
{
	unsigned stride = sim_is_long() ? 1 : sweep->stride, n = 0;
	unsigned first = 1 + (unsigned)(time(NULL) / 86400) % stride;
	unsigned n_moments = sweep_once(sweep, UINT_MAX, seed);

	for (unsigned at = first; at <= n_moments && test_failures <= 20; at += stride, n++) {
		int before = test_failures;

		sweep_once(sweep, at, seed);
		if (test_failures != before)
			printf("# at moment %u of %u, seed %ju\n", at, n_moments,
				(uintmax_t)seed);
	}
	printf("# %u moments of %u\n", n, n_moments);
}

static inline void sweep_tell(const struct sweep *sweep)
{
	const char *only = getenv("AT");

	for (uint64_t seed = 1; seed <= (sim_is_long() ? sweep->seeds : 1); seed++)
		if (only)
			sweep_once(sweep, (unsigned)atoi(only), seed);
		else
			sweep_seed(sweep, seed);
}

#endif
