/* SPDX-License-Identifier: MIT */
#include "lib/bus/unit_state.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

static bool is(const char *text, const char *wanted)
{
	return text && str_is(text, wanted);
}

/* "failed (exit-code, status 1)", as "systemctl status" shows it. */
static void describe(const struct unit_state *state, char *out, size_t size)
{
	const char *sub = state->sub && !is(state->active, state->sub) ? state->sub : "";
	const char *result =
		state->result && !is(state->result, "success") ? state->result : "";
	char exit[32] = "";

	if (*result && state->exit_code == CLD_EXITED)
		snprintf(exit, sizeof(exit), ", status %d", (int)state->exit_value);
	else if (*result && (state->exit_code == CLD_KILLED || state->exit_code == CLD_DUMPED))
		snprintf(exit, sizeof(exit), ", signal %d", (int)state->exit_value);
	snprintf(out, size, "%s%s%s%s%s%s%s", state->active ? state->active : "in no state",
		*sub || *result ? " (" : "", sub, *sub && *result ? ", " : "", result, exit,
		*sub || *result ? ")" : "");
}

static bool is_running(const struct unit_state *state)
{
	return is(state->active, "active") || is(state->active, "reloading") ||
	       is(state->active, "refreshing");
}

/* The unit reads its files at its next start, and none is due now. */
static bool may_rest(const struct unit_state *state)
{
	if (!is(state->active, "inactive") || (state->result && !is(state->result, "success")))
		return false;
	return is(state->type, "oneshot") || state->is_triggered;
}

/*
 * systemd checks conditions only when it starts a unit; the result of an older start does not
 * count while it runs.
 */
static bool has_unmet(const struct unit_state *state, bool is_met, uint64_t time)
{
	return !is_met && time != 0 && !is_running(state);
}

int unit_state_judge(const struct unit_state *state, const char *unit, struct err *err)
{
	bool is_skipped = is(state->job_result, "skipped");
	char words[256];

	describe(state, words, sizeof(words));
	if (has_unmet(state, state->is_condition_met, state->condition_time))
		return err_set(err, ERR_UNIT_FAILED,
			"%s: systemd did not start it, because its condition %s was not met; "
			"the unit is "
			"%s",
			unit, state->condition ? state->condition : "of the unit file", words);
	if (has_unmet(state, state->is_assert_met, state->assert_time))
		return err_set(err, ERR_UNIT_FAILED,
			"%s: systemd did not start it, because an assertion of its unit file "
			"was not "
			"met; the unit is %s",
			unit, words);
	if (!is(state->job_result, "done") && !(is_skipped && may_rest(state)))
		return err_set(err, ERR_UNIT_FAILED,
			"%s: the job ended with \"%s\"; the unit is %s", unit,
			state->job_result ? state->job_result : "", words);
	if (!is_running(state) && !may_rest(state))
		return err_set(err, ERR_UNIT_FAILED,
			"%s: the job is done, but the unit does not run: it is %s", unit,
			words);
	return 0;
}
