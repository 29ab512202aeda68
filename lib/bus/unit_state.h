/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_UNIT_STATE_H
#define CERTD_LIB_BUS_UNIT_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/*
 * The state of a unit after a job, as systemd's properties say it, and the decision whether the unit
 * has read its files.  Pure: the texts are the caller's and NULL where systemd did not say them.
 */

struct unit_state {
	const char *job_result;   /* of the signal JobRemoved: done, failed, skipped ... */
	const char *active, *sub; /* ActiveState and SubState */
	const char *result;       /* of a service: success, exit-code, signal ... */
	const char *type;         /* of a service: simple, oneshot ... */
	const char *condition;    /* the first one that was not met, "ConditionPathExists=/x" */
	uint64_t condition_time;  /* when the conditions were looked at last, 0: never */
	uint64_t assert_time;
	bool is_condition_met, is_assert_met;
	bool is_triggered; /* a socket, timer or path starts it when it is needed */
	int32_t exit_code; /* of the main process, as in siginfo_t: CLD_EXITED ... */
	int32_t exit_value;
};

/*
 * Success: the job is done and the unit runs.  A unit that is not running is a success only where it
 * is not meant to: a oneshot unit that ended well, and a unit that a socket, timer or path starts.
 * All else is ERR_UNIT_FAILED with systemd's words for it.  -1 with err then.
 */
int unit_state_judge(const struct unit_state *state, const char *unit, struct err *err);

#endif
