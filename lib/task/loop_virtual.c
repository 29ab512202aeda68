/* SPDX-License-Identifier: MIT */
#include "lib/task/loop_virtual.h"

#include <stdlib.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/task/loop.h"
#include "lib/task/timers.h"

/* In milliseconds, so that both clocks have the timers' resolution. */
static struct {
	int64_t wall, boot;
	uint64_t steps;
	bool is_unsynced;
} clocks;

struct loop {
	struct timers timers;
	struct list ready;
	void (*clock_set)(void *data);
	void *clock_set_data;
	bool stopping;
};

struct instant clock_now(void)
{
	/* Rounded down, also before 1970. */
	return (struct instant){ clocks.wall / 1000 - (clocks.wall % 1000 < 0) };
}

struct tick clock_tick(void)
{
	return (struct tick){ clocks.boot };
}

bool clock_is_synced(void)
{
	return !clocks.is_unsynced;
}

void virtual_synced(bool is_synced)
{
	clocks.is_unsynced = !is_synced;
}

void virtual_start(struct instant wall)
{
	clocks.is_unsynced = false;
	clocks.wall = wall.s * 1000;
	clocks.boot = 1000000;
	clocks.steps = 0;
}

uint64_t virtual_steps(void)
{
	return clocks.steps;
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_new(struct loop);

	list_init(&loop->ready);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	timers_done(&loop->timers);
	free(loop);
}

void loop_timer_in(struct loop *loop, struct timer *timer, int64_t ms)
{
	timers_set_in(&loop->timers, timer, clock_tick(), ms);
}

void loop_timer_at(struct loop *loop, struct timer *timer, struct instant at)
{
	timers_set_at(&loop->timers, timer, at);
}

void loop_timer_stop(struct loop *loop, struct timer *timer)
{
	timers_stop(&loop->timers, timer);
}

void loop_on_clock_set(struct loop *loop, void (*set)(void *data), void *data)
{
	loop->clock_set = set;
	loop->clock_set_data = data;
}

void loop_watch(struct loop *loop, struct watch *watch, unsigned what)
{
	(void)what;
	watch->loop = loop; /* descriptors never become ready on virtual time */
}

void loop_watch_stop(struct watch *watch)
{
	watch->loop = NULL;
}

void loop_ready(struct loop *loop, struct list *ready_link)
{
	list_append(&loop->ready, ready_link);
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

/* Milliseconds from now to the earliest timer of both heaps; INT64_MAX when there is none. */
static int64_t next_timer(const struct loop *loop)
{
	struct heap_node *boot = heap_first(&loop->timers.since_boot),
			 *wall = heap_first(&loop->timers.on_wall);
	int64_t in = INT64_MAX;

	if (boot)
		in = boot->key - clocks.boot;
	if (wall && wall->key < INT64_MAX / 1000 && wall->key * 1000 - clocks.wall < in)
		in = wall->key * 1000 - clocks.wall;
	return in < 0 ? 0 : in;
}

bool virtual_step(struct loop *loop, struct instant limit)
{
	int64_t in;

	clocks.steps++;
	if (!list_is_empty(&loop->ready)) {
		tasks_resume(&loop->ready);
		return true;
	}
	in = next_timer(loop);
	if (in == INT64_MAX ||
		(limit.s < INT64_MAX / 1000 && clocks.wall + in > limit.s * 1000))
		return false;
	clocks.wall += in;
	clocks.boot += in;
	timers_fire(&loop->timers.since_boot, clocks.boot);
	timers_fire(&loop->timers.on_wall, clock_now().s);
	return true;
}

void virtual_run_until(struct loop *loop, struct instant wall)
{
	while (virtual_step(loop, wall))
		;
	if (clocks.wall < wall.s * 1000) {
		clocks.boot += wall.s * 1000 - clocks.wall;
		clocks.wall = wall.s * 1000;
	}
}

void loop_run(struct loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping && virtual_step(loop, INSTANT_NEVER))
		;
}

void virtual_set_wall(struct loop *loop, struct instant wall)
{
	clocks.wall = wall.s * 1000;
	if (loop->clock_set)
		loop->clock_set(loop->clock_set_data);
}

void virtual_suspend(struct duration d)
{
	clocks.wall += d.s * 1000;
	clocks.boot += d.s * 1000;
}
