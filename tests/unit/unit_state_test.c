/* SPDX-License-Identifier: MIT */
#include "lib/bus/unit_state.h"

#include <signal.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "tests/test.h"

#define MET                                                                                    \
	.is_condition_met = true, .is_assert_met = true, .condition_time = 1, .assert_time = 1
#define NOT_MET .is_assert_met = true, .condition_time = 1, .assert_time = 1

static const struct {
	const char *about, *words; /* NULL: a success */
	struct unit_state state;
} rows[] = {
	{ "runs", NULL, { "done", "active", "running", "success", "simple", NULL, MET } },
	{ "never started by a condition", NULL,
		{ "done", "active", "plugged", .is_assert_met = false } },
	{ "oneshot", NULL, { "done", "inactive", "dead", "success", "oneshot", NULL, MET } },
	{ "oneshot that remains", NULL,
		{ "done", "active", "exited", "success", "oneshot", NULL, MET } },
	{ "socket activated", NULL,
		{ "done", "inactive", "dead", "success", "notify", NULL, MET,
			.is_triggered = true } },
	{ "socket activated, skipped", NULL,
		{ "skipped", "inactive", "dead", "success", "notify", NULL,
			.is_triggered = true } },
	{ "the condition was met when it was started", NULL,
		{ "done", "active", "running", "success", "simple", "ConditionPathExists=/x",
			NOT_MET } },
	{ "skipped", "skipped",
		{ "skipped", "inactive", "dead", "success", "simple", NULL, MET } },
	{ "skipped while it runs", "skipped",
		{ "skipped", "active", "running", "success", "simple", NULL, MET } },
	{ "failed", "failed (exit-code, status 3)",
		{ "failed", "failed", "failed", "exit-code", "simple", NULL, MET,
			.exit_code = CLD_EXITED, .exit_value = 3 } },
	{ "a reload that failed", "ended with \"failed\"; the unit is active (running)",
		{ "failed", "active", "running", "success", "simple", NULL, MET } },
	{ "died after it was told", "failed (signal, signal 1)",
		{ "done", "failed", "failed", "signal", "simple", NULL, MET,
			.exit_code = CLD_KILLED, .exit_value = 1 } },
	{ "ended at once", "inactive (dead)",
		{ "done", "inactive", "dead", "success", "simple", NULL, MET } },
	{ "starts again and again", "activating (auto-restart, exit-code",
		{ "done", "activating", "auto-restart", "exit-code", "simple", NULL, MET } },
	{ "oneshot that failed", "failed",
		{ "done", "failed", "failed", "exit-code", "oneshot", NULL, MET } },
	{ "oneshot, condition", "ConditionPathExists=/x was not met",
		{ "done", "inactive", "dead", "success", "oneshot", "ConditionPathExists=/x",
			NOT_MET } },
	{ "condition", "ConditionPathExists=/x was not met",
		{ "done", "inactive", "dead", "success", "simple", "ConditionPathExists=/x",
			NOT_MET } },
	{ "assertion", "assertion",
		{ "assert", "inactive", "dead", "success", "simple", NULL,
			.is_condition_met = true, .condition_time = 1, .assert_time = 1 } },
	{ "nothing was said", "in no state", { "done" } },
};

/* A job that is done proves nothing. */
TEST(the_units_own_state_decides)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_INIT;
		int r = unit_state_judge(&rows[i].state, "x.service", &err);

		if ((r == 0) != !rows[i].words)
			TEST_FAIL("%s: %d \"%s\"", rows[i].about, r, err.text);
		if (rows[i].words && !strstr(err.text, rows[i].words))
			TEST_FAIL("%s: \"%s\" without \"%s\"", rows[i].about, err.text,
				rows[i].words);
		if (r < 0)
			CHECK_INT(err.code, ERR_UNIT_FAILED);
	}
}
