/* SPDX-License-Identifier: MIT */
#include "lib/task/loop_virtual.h"

#include <stdlib.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/task/clock_virtual.h"
#include "lib/task/loop_private.h"

uint64_t virtual_steps(void)
{
	return virtual_clocks.steps;
}

/* Milliseconds from now to the earliest timer of both heaps; INT64_MAX when there is none. */
static int64_t next_timer(const struct loop *loop)
{
	struct heap_node *boot = heap_first(&loop->since_boot),
			 *wall = heap_first(&loop->on_wall);
	int64_t in = INT64_MAX;

	if (boot)
		in = boot->key - virtual_clocks.boot;
	if (wall && wall->key < INT64_MAX / 1000 && wall->key * 1000 - virtual_clocks.wall < in)
		in = wall->key * 1000 - virtual_clocks.wall;
	return in < 0 ? 0 : in;
}

bool virtual_step(struct loop *loop, struct instant limit)
{
	int64_t in;

	virtual_clocks.steps++;
	if (!list_is_empty(&loop->ready)) {
		loop_resume(loop);
		return true;
	}
	in = next_timer(loop);
	if (in == INT64_MAX ||
		(limit.s < INT64_MAX / 1000 && virtual_clocks.wall + in > limit.s * 1000))
		return false;
	virtual_clocks.wall += in;
	virtual_clocks.boot += in;
	loop_fire(&loop->since_boot, virtual_clocks.boot);
	loop_fire(&loop->on_wall, clock_now().s);
	return true;
}

void virtual_run_until(struct loop *loop, struct instant wall)
{
	while (virtual_step(loop, wall))
		;
	if (virtual_clocks.wall < wall.s * 1000) {
		virtual_clocks.boot += wall.s * 1000 - virtual_clocks.wall;
		virtual_clocks.wall = wall.s * 1000;
	}
}

void virtual_set_wall(struct loop *loop, struct instant wall)
{
	virtual_clocks.wall = wall.s * 1000;
	if (loop->clock_set)
		loop->clock_set(loop->clock_set_data);
}

static bool step(struct loop *loop)
{
	return virtual_step(loop, INSTANT_NEVER);
}

/* Descriptors are never ready in a world without any. */
static void watch_nothing(struct loop *loop, struct watch *watch, unsigned what)
{
	(void)loop;
	(void)watch;
	(void)what;
}

static void virtual_free(struct loop *loop)
{
	loop_done(loop);
	free(loop);
}

struct loop *loop_new(void)
{
	static const struct loop_backend backend = { virtual_free, watch_nothing, NULL, step };
	struct loop *loop = mem_new(struct loop);

	loop_init(loop, &backend);
	return loop;
}
