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
 * The command embeds it, fills deferred.op with keeper_request() and line_add(), and calls
 * deferred_start(); its answer's next() returns ANSWER_WAIT until is_running is false again,
 * and then finds the result in deferred.op and deferred.task.err.  When the session goes away
 * meanwhile the task is cancelled and the memory waits for its end.
 */

struct deferred {
	struct answer answer;
	struct task task;
	struct keeper_op op;
	struct ctl *ctl;
	void (*free)(struct deferred *deferred); /* frees the struct it is embedded in */
	bool is_running, is_orphan;
};

void deferred_start(struct deferred *deferred);

/* For the answer's free(): at once, or when the task has ended. */
void deferred_release(struct answer *answer);

#endif
