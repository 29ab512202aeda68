/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_UNIT_STATE_H
#define CERTD_LIB_BUS_UNIT_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/*
 * A unit state holds systemd's properties of a unit after a job; unit_state_judge() decides
 * whether the unit has read its files. Pure: the texts are the caller's, and NULL where systemd
 * gave none.
 */

struct unit_state {
	const char *job_result;   /* from the signal JobRemoved: done, failed, skipped ... */
	const char *active, *sub; /* ActiveState and SubState */
	const char *result;       /* of a service: success, exit-code, signal ... */
	const char *type;         /* of a service: simple, oneshot ... */
	const char *condition;    /* the first condition not met, "ConditionPathExists=/x" */
	uint64_t condition_time;  /* the time of the last check of the conditions, 0: never */
	uint64_t assert_time;
	bool is_condition_met, is_assert_met;
	bool is_triggered; /* a socket, timer or path starts it when needed */
	int32_t exit_code; /* of the main process, as in siginfo_t: CLD_EXITED ... */
	int32_t exit_value;
};

/*
 * Success: the job is done and the unit runs. A unit that is not running is a success only as a
 * oneshot unit that ended well, or as a unit that a socket, timer or path starts. Otherwise -1
 * with ERR_UNIT_FAILED and systemd's text.
 */
int unit_state_judge(const struct unit_state *state, const char *unit, struct err *err);

#endif
