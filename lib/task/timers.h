#ifndef CERTD_LIB_TASK_TIMERS_H
#define CERTD_LIB_TASK_TIMERS_H

#include "lib/task/loop.h"

/*
 * What both loops share: a heap of timers on one clock, and the list of tasks that may go on.
 * Internal to lib/task.
 */

/* Fires every timer of the heap whose key is <= now, in order. */
void timers_fire(struct heap *heap, int64_t now);

/* Resumes the tasks that are ready now; those made ready meanwhile come in the next round. */
void tasks_resume(struct list *ready);

#endif
