/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/task/loop_private.h"

/* Setting the timer anew takes back what it has reported, so it is not read. */
static void on_boot(struct watch *watch, unsigned what)
{
	struct loop_clocks *clocks = CONTAINER_OF(watch, struct loop_clocks, boot);

	(void)what;
	clocks->boot_armed = -1;
	loop_fire(&watch->loop->since_boot, clock_tick().ms);
}

/* Only reading it tells whether the clock was set. */
static void on_wall(struct watch *watch, unsigned what)
{
	struct loop_clocks *clocks = CONTAINER_OF(watch, struct loop_clocks, wall);
	struct loop *loop = watch->loop;
	uint64_t n;
	bool was_set = read(watch->fd, &n, sizeof(n)) < 0 && errno == ECANCELED;

	(void)what;
	clocks->wall_armed = -1;
	if (was_set && loop->clock_set)
		loop->clock_set(loop->clock_set_data);
	loop_fire(&loop->on_wall, clock_now().s);
}

static void open_one(struct loop *loop, struct watch *watch, int clock)
{
	watch->fd = timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
	assert(watch->fd >= 0);
	loop_watch(loop, watch, LOOP_READ);
}

void loop_clocks_open(struct loop_clocks *clocks, struct loop *loop)
{
	clocks->boot.ready = on_boot;
	clocks->wall.ready = on_wall;
	clocks->boot_armed = clocks->wall_armed = INT64_MAX;
	open_one(loop, &clocks->boot, CLOCK_BOOTTIME);
}

static void close_one(struct watch *watch)
{
	if (!watch->impl)
		return;
	loop_watch_stop(watch);
	close(watch->fd);
}

void loop_clocks_close(struct loop_clocks *clocks)
{
	close_one(&clocks->boot);
	close_one(&clocks->wall);
}

/*
 * A zero it_value disarms, so a time in the past becomes the first nanosecond. True: the timer is
 * armed, but the clock was set since it was armed before, and the kernel tells that only here.
 */
static bool arm(int fd, int flags, int64_t s, int64_t ns)
{
	struct itimerspec spec = { .it_value = { (time_t)s, (long)ns } };

	return timerfd_settime(fd, flags, &spec, NULL) < 0 && errno == ECANCELED;
}

static void arm_boot(struct loop_clocks *clocks, const struct heap_node *first)
{
	int64_t ms = first ? first->key : INT64_MAX;

	if (ms == clocks->boot_armed)
		return;
	clocks->boot_armed = ms;
	if (first)
		arm(clocks->boot.fd, TFD_TIMER_ABSTIME, ms / 1000, ms % 1000 * 1000000 + 1);
	else
		arm(clocks->boot.fd, 0, 0, 0);
}

/*
 * Only an armed timer is cancelled, so it is armed as soon as a callback waits for the clock to be
 * set. A loop without timers on the wall clock never opens it. True: the clock was set.
 */
static bool arm_wall(struct loop_clocks *clocks, const struct heap_node *first, bool is_told)
{
	int64_t s = first ? first->key : is_told ? INT32_MAX * INT64_C(4) : INT64_MAX;

	if (s == clocks->wall_armed)
		return false;
	if (!clocks->wall.impl)
		open_one(clocks->boot.loop, &clocks->wall, CLOCK_REALTIME);
	clocks->wall_armed = s;
	if (s != INT64_MAX)
		return arm(clocks->wall.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			s > 0 ? s : 0, 1);
	return arm(clocks->wall.fd, 0, 0, 0);
}

void loop_clocks_arm(struct loop_clocks *clocks)
{
	struct loop *loop = clocks->boot.loop;

	while (arm_wall(clocks, heap_first(&loop->on_wall), loop->clock_set))
		if (loop->clock_set)
			loop->clock_set(loop->clock_set_data);
	arm_boot(clocks, heap_first(&loop->since_boot));
}
