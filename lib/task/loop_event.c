/* SPDX-License-Identifier: MIT */
#include "lib/task/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/task/timers.h"

/*
 * libevent's own time-outs run on a clock that stops during suspend, so time comes from two
 * timerfds, each armed for the earliest timer of its heap: one on CLOCK_BOOTTIME, one on
 * CLOCK_REALTIME that is cancelled when the clock is set.
 */
struct loop {
	struct event_base *base;
	struct timers timers;
	int boot_fd, wall_fd;
	struct event *boot_event, *wall_event;
	/* the time for which each timerfd is armed; INT64_MAX: not armed */
	int64_t boot_armed, wall_armed;
	struct list ready;
	void (*clock_set)(void *data);
	void *clock_set_data;
	bool stopping;
};

static void on_boot(evutil_socket_t fd, short what, void *data)
{
	struct loop *loop = data;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	loop->boot_armed = INT64_MAX;
	timers_fire(&loop->timers.since_boot, clock_tick().ms);
}

static void on_wall(evutil_socket_t fd, short what, void *data)
{
	struct loop *loop = data;
	uint64_t n;
	bool was_set = read(fd, &n, sizeof(n)) < 0 && errno == ECANCELED;

	(void)what;
	loop->wall_armed = -1;
	if (was_set && loop->clock_set)
		loop->clock_set(loop->clock_set_data);
	timers_fire(&loop->timers.on_wall, clock_now().s);
}

static struct event *watch_timerfd(struct loop *loop, int fd, event_callback_fn fn)
{
	struct event *event = event_new(loop->base, fd, EV_READ | EV_PERSIST, fn, loop);

	if (!event || event_add(event, NULL) < 0)
		mem_exhausted();
	return event;
}

struct loop *loop_new(void)
{
	struct loop *loop = mem_new(struct loop);

	loop->base = event_base_new();
	if (!loop->base)
		mem_exhausted();
	loop->boot_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	loop->wall_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	assert(loop->boot_fd >= 0 && loop->wall_fd >= 0);
	loop->boot_armed = INT64_MAX;
	loop->wall_armed = -1;
	loop->boot_event = watch_timerfd(loop, loop->boot_fd, on_boot);
	loop->wall_event = watch_timerfd(loop, loop->wall_fd, on_wall);
	list_init(&loop->ready);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	event_free(loop->boot_event);
	event_free(loop->wall_event);
	close(loop->boot_fd);
	close(loop->wall_fd);
	event_base_free(loop->base);
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

static void on_fd(evutil_socket_t fd, short what, void *data)
{
	struct watch *watch = data;

	(void)fd;
	watch->ready(watch,
		((what & EV_READ) ? LOOP_READ : 0) | ((what & EV_WRITE) ? LOOP_WRITE : 0));
}

void loop_watch(struct loop *loop, struct watch *watch, unsigned what)
{
	short events = (short)(EV_PERSIST | ((what & LOOP_READ) ? EV_READ : 0) |
			       ((what & LOOP_WRITE) ? EV_WRITE : 0));

	loop_watch_stop(watch);
	watch->loop = loop;
	watch->impl = event_new(loop->base, watch->fd, events, on_fd, watch);
	if (!watch->impl || event_add(watch->impl, NULL) < 0)
		mem_exhausted();
}

void loop_watch_stop(struct watch *watch)
{
	if (watch->impl)
		event_free(watch->impl);
	watch->impl = NULL;
}

void loop_ready(struct loop *loop, struct list *ready_link)
{
	list_append(&loop->ready, ready_link);
}

/* A zero it_value disarms, so a time in the past becomes the first nanosecond. */
static void arm(int fd, int flags, int64_t s, int64_t ns)
{
	struct itimerspec spec = { .it_value = { (time_t)s, (long)ns } };

	timerfd_settime(fd, flags, &spec, NULL);
}

static void arm_timers(struct loop *loop)
{
	struct heap_node *first = heap_first(&loop->timers.since_boot);
	int64_t ms = first ? first->key : INT64_MAX;

	if (ms != loop->boot_armed) {
		loop->boot_armed = ms;
		if (first)
			arm(loop->boot_fd, TFD_TIMER_ABSTIME, ms / 1000,
				ms % 1000 * 1000000 + 1);
		else
			arm(loop->boot_fd, 0, 0, 0);
	}
	/*
	 * Armed even when nothing is due for centuries: only an armed timerfd reports that the
	 * clock was set.
	 */
	first = heap_first(&loop->timers.on_wall);
	ms = first ? first->key : INT32_MAX * INT64_C(4);
	if (ms != loop->wall_armed) {
		loop->wall_armed = ms;
		arm(loop->wall_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, ms > 0 ? ms : 0,
			1);
	}
}

void loop_run(struct loop *loop)
{
	loop->stopping = false;
	while (!loop->stopping) {
		arm_timers(loop);
		event_base_loop(loop->base,
			EVLOOP_ONCE | (list_is_empty(&loop->ready) ? 0 : EVLOOP_NONBLOCK));
		tasks_resume(&loop->ready);
	}
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}
