/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_LOOP_H
#define CERTD_LIB_TASK_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/heap.h"
#include "lib/base/instant.h"
#include "lib/base/list.h"

/*
 * The loop runs timers, descriptors and tasks. It is a seam: loop_event.c uses libevent (the
 * engine), loop_sd.c sd-event (the keeper), both with the kernel's clocks, and loop_virtual.c a
 * time that jumps to the next timer, so that a test can pass a year at once. Children and signals
 * are descriptors (process.h).
 *
 * Callbacks may start, move and remove anything, themselves included; a timer or watch that was
 * stopped is never called again. All structs are the caller's and start zeroed. One loop per
 * thread; nothing here is thread-safe.
 *
 * There are two kinds of timer for the two clocks (soak and I/O count time since boot, dates
 * the wall clock). A wall timer fires when the wall clock reaches its instant, also after
 * suspend, and the loop calls on_clock_set after the clock was set.
 */

struct loop;

struct timer {
	struct heap_node node;
	void (*fire)(struct timer *timer);
};

#define LOOP_READ 1u
#define LOOP_WRITE 2u

struct watch {
	struct loop *loop;
	void *impl;
	int fd;
	void (*ready)(struct watch *watch, unsigned what);
};

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* (Re)starts a timer that fires once, `ms` milliseconds of time since boot from now. */
void loop_timer_in(struct loop *loop, struct timer *timer, int64_t ms);

/* (Re)starts a timer that fires once when the wall clock shows `at`. */
void loop_timer_at(struct loop *loop, struct timer *timer, struct instant at);
void loop_timer_stop(struct loop *loop, struct timer *timer);

static inline bool loop_timer_is_set(const struct timer *timer)
{
	return heap_has(&timer->node);
}

/* Called, from the loop, after the wall clock was set.  One per loop; NULL removes it. */
void loop_on_clock_set(struct loop *loop, void (*set)(void *data), void *data);

/*
 * Watches `watch->fd` for `what`; a second call changes `what`, and 0 pauses. A descriptor that
 * has ended is ready for all that is watched. Stop before closing the fd.
 */
void loop_watch(struct loop *loop, struct watch *watch, unsigned what);
void loop_watch_stop(struct watch *watch);

/* A task that may go on; lib/task/task.c embeds it. */
struct ready {
	struct list link;
	void (*go_on)(struct ready *ready);
};

void loop_ready(struct loop *loop, struct ready *ready);

/* Waits until something happens and does what is due; false when nothing can happen any more. */
bool loop_step(struct loop *loop);

/* Resumes tasks until none is ready; waits for nothing.  For owners that cancel and then free. */
void loop_run_ready(struct loop *loop);

/* Runs until loop_stop(); the virtual loop also returns when nothing is left to happen. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs until *flag is set, or `ms` milliseconds of time since boot are over; the flag. */
bool loop_run_until(struct loop *loop, const bool *flag, int64_t ms);

#endif
