/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/run_pace.h"

#include "lib/base/err.h"
#include "tests/test.h"

/* How many of `n` requests, `step_ms` apart, are let through. */
static int ask(struct run_pace *pace, const char *what, const char *name, int n,
	int64_t from_ms, int64_t step_ms)
{
	int passed = 0;

	for (int i = 0; i < n; i++) {
		struct tick now = { from_ms + i * step_ms };
		struct err err = ERR_INIT;

		if (run_pace_take(pace, what, name, 5, now, &err) == 0)
			passed++;
		else
			CHECK_INT(err.code, ERR_RATE_LIMITED);
	}
	return passed;
}

/* A stolen engine asks 3,700 times in 5 s. */
TEST(a_flood_of_requests_runs_a_bounded_number)
{
	enum { BURST = RUN_PACE_BURST + 5 * RUN_PACE_EACH };
	struct run_pace pace = { .keys = { .n = 0 } };

	CHECK_INT(ask(&pace, "the reload", "web", 5000, 1000, 1), BURST + 4);
	/* Neither another target nor another step of the same one has to do with it. */
	CHECK_INT(ask(&pace, "the reload", "mail", BURST, 6000, 0), BURST);
	CHECK_INT(ask(&pace, "the check", "web", BURST, 6000, 0), BURST);
	CHECK_INT(ask(&pace, "the reload", "web", 100, 6000, 0), 1);
	/* Rest gives back the burst, and not more. */
	CHECK_INT(ask(&pace, "the reload", "web", 5000, 10000000, 0), BURST);
	run_pace_done(&pace);
}

TEST(an_honest_pace_never_meets_it)
{
	struct run_pace pace = { .keys = { .n = 0 } };

	CHECK_INT(ask(&pace, "the hook", "before_issue", 10000, 1000, RUN_PACE_MS), 10000);
	run_pace_done(&pace);
}
