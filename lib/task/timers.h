/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_TIMERS_H
#define CERTD_LIB_TASK_TIMERS_H

#include "lib/task/loop.h"

/*
 * The timers of a loop are two heaps, one for each clock. Both loops use them, and the list of
 * tasks that may go on. A timer is in at most one heap. Internal to lib/task.
 */

struct timers {
	struct heap since_boot; /* keyed by milliseconds of clock_tick() */
	struct heap on_wall;    /* keyed by seconds of clock_now() */
};

void timers_set_in(struct timers *timers, struct timer *timer, struct tick now, int64_t ms);
void timers_set_at(struct timers *timers, struct timer *timer, struct instant at);
void timers_stop(struct timers *timers, struct timer *timer);
void timers_done(struct timers *timers);

/* Fires every timer of the heap whose key is <= now, in order. */
void timers_fire(struct heap *heap, int64_t now);

/*
 * Resumes the tasks that are ready now; tasks that become ready meanwhile run in the next
 * round.
 */
void tasks_resume(struct list *ready);

#endif
