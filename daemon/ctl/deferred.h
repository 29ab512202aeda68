/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_DEFERRED_H
#define CERTD_DAEMON_CTL_DEFERRED_H

#include <stdbool.h>

#include "daemon/ctl/session.h"
#include "daemon/link/keeper.h"
#include "lib/task/task.h"

/*
 * An answer that asks the keeper: one request at a time, as a small root task.
 *
 * The command embeds it, fills asking.op with keeper_request() and line_add(), and calls
 * asking_start(); its answer's next() returns ANSWER_WAIT until is_running is false again, and then
 * finds the result in asking.op and asking.task.err.  When the session goes away meanwhile the task is
 * cancelled and the memory waits for its end.
 */

struct asking {
	struct answer answer;
	struct task task;
	struct keeper_op op;
	struct ctl *ctl;
	void (*free)(struct asking *asking); /* frees the struct it is embedded in */
	bool is_running, is_orphan;
};

void asking_start(struct asking *asking);

/* For the answer's free(): at once, or when the task has ended. */
void asking_release(struct answer *answer);

#endif
