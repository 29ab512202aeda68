/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/run_pace.h"

#include "lib/base/err.h"
#include "tests/test.h"

/* What came of `n` requests, `step_ms` apart. */
struct outcome {
	int at_once, waiting, refused;
	int64_t last_ms; /* when the last one runs */
};

static struct outcome ask(struct run_pace *pace, const char *what, const char *name,
	size_t n_certs, int n, int64_t from_ms, int64_t step_ms)
{
	struct outcome out = { 0 };

	for (int i = 0; i < n; i++) {
		struct tick now = { from_ms + i * step_ms };
		struct err err = ERR_INIT;
		int64_t ms = run_pace_take(pace, what, name, n_certs, now, &err);

		if (ms < 0)
			CHECK_INT(err.code, ERR_RATE_LIMITED);
		else
			CHECK(ms <= RUN_PACE_WAIT_MS && now.ms + ms >= out.last_ms);
		out.at_once += ms == 0;
		out.waiting += ms > 0;
		out.refused += ms < 0;
		out.last_ms = ms < 0 ? out.last_ms : now.ms + ms;
	}
	return out;
}

/* A stolen engine asks 3,700 times in 5 s. */
TEST(a_flood_of_requests_runs_a_bounded_number)
{
	enum { BURST = RUN_PACE_BURST + 5 * RUN_PACE_EACH, WAITING = RUN_PACE_WAIT_MS / 923 };
	struct run_pace pace = { .keys = { .n = 0 } };
	struct outcome out = ask(&pace, "the reload", "web", 5, 5000, 1000, 1);

	/* One comes back each second, and five each minute. */
	CHECK(out.at_once + out.waiting <= BURST + WAITING + 5 + 5 + 1);
	CHECK_INT(out.at_once, BURST);
	CHECK(out.refused > 4800);
	CHECK(out.last_ms <= 6000 + RUN_PACE_WAIT_MS);
	/* Neither another target nor another step of the same one has to do with it. */
	CHECK_INT(ask(&pace, "the reload", "mail", 5, BURST, 6000, 0).at_once, BURST);
	CHECK_INT(ask(&pace, "the check", "web", 5, BURST, 6000, 0).at_once, BURST);
	/* Rest gives back the burst, and not more. */
	CHECK_INT(ask(&pace, "the reload", "web", 5, 5000, 10000000, 0).at_once, BURST);
	run_pace_done(&pace);
}

TEST(a_burst_of_an_operator_waits_its_turn)
{
	struct run_pace pace = { .keys = { .n = 0 } };
	/* A loop that deploys the only certificate fifty times. */
	struct outcome out = ask(&pace, "the reload", "web", 1, 50, 1000, 10);

	CHECK_INT(out.refused, 0);
	CHECK(out.waiting > 0 && out.last_ms < 1000 + 30000);
	run_pace_done(&pace);
}

TEST(an_honest_pace_never_meets_it)
{
	struct run_pace pace = { .keys = { .n = 0 } };

	CHECK_INT(ask(&pace, "the hook", "before_issue", 5, 10000, 1000, 1000).at_once, 10000);
	/* A thousand certificates that live for two minutes, for three hours. */
	CHECK_INT(
		ask(&pace, "the hook", "after_issue", 1000, 180000, 1000, 60).at_once, 180000);
	run_pace_done(&pace);
}
