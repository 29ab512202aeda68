/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_LOOP_PRIVATE_H
#define CERTD_LIB_TASK_LOOP_PRIVATE_H

#include "lib/task/loop.h"

/*
 * A loop is a heap of timers for each of the two clocks and a list of tasks that may go on, which
 * all loops share (loop.c), and a backend. A backend embeds struct loop, defines loop_new() and
 * fills the table; the linker chooses the backend by that one name. A timer is in at most one
 * heap. Internal to lib/task.
 */

struct loop_backend {
	void (*free)(struct loop *loop);
	/* Called with `what` other than 0. */
	void (*watch)(struct loop *loop, struct watch *watch, unsigned what);
	/* Called while watch->impl is set. */
	void (*watch_stop)(struct watch *watch);
	bool (*step)(struct loop *loop);
};

struct loop {
	const struct loop_backend *backend;
	struct heap since_boot; /* keyed by milliseconds of clock_tick() */
	struct heap on_wall;    /* keyed by seconds of clock_now() */
	struct list ready;
	void (*clock_set)(void *data);
	void *clock_set_data;
	bool is_stopping;
};

void loop_init(struct loop *loop, const struct loop_backend *backend);
void loop_done(struct loop *loop);

/* Fires every timer of the heap whose key is <= now, in order. */
void loop_fire(struct heap *heap, int64_t now);

/* Resumes the tasks that are ready now; those made ready meanwhile come in the next round. */
void loop_resume(struct loop *loop);

/*
 * The kernel's clocks as two timerfds, each armed for the earliest timer of its heap: one on
 * CLOCK_BOOTTIME, because what loops offer runs on a clock that stops during suspend, and one on
 * CLOCK_REALTIME that is cancelled when the clock is set.  Both real loops embed it.
 */
struct loop_clocks {
	struct watch boot, wall;
	int64_t boot_armed,
		wall_armed; /* the key for which each is armed; INT64_MAX: off, -1: fired */
};

void loop_clocks_open(struct loop_clocks *clocks, struct loop *loop);
void loop_clocks_close(struct loop_clocks *clocks);

/* Called before each wait. */
void loop_clocks_arm(struct loop_clocks *clocks);

#endif
