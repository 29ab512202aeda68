/* SPDX-License-Identifier: MIT */
#include <event2/event.h>
#include <stdlib.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/task/loop_private.h"

struct event_loop {
	struct loop loop;
	struct event_base *base;
	struct loop_clocks clocks;
};

static struct event_loop *event_loop(struct loop *loop)
{
	return CONTAINER_OF(loop, struct event_loop, loop);
}

static void on_fd(evutil_socket_t fd, short what, void *data)
{
	struct watch *watch = data;

	(void)fd;
	watch->ready(watch,
		((what & EV_READ) ? LOOP_READ : 0) | ((what & EV_WRITE) ? LOOP_WRITE : 0));
}

static void event_watch_stop(struct watch *watch)
{
	event_free(watch->impl);
}

static void event_watch(struct loop *loop, struct watch *watch, unsigned what)
{
	short events = (short)(EV_PERSIST | ((what & LOOP_READ) ? EV_READ : 0) |
			       ((what & LOOP_WRITE) ? EV_WRITE : 0));

	if (watch->impl)
		event_watch_stop(watch);
	watch->impl = event_new(event_loop(loop)->base, watch->fd, events, on_fd, watch);
	if (!watch->impl || event_add(watch->impl, NULL) < 0)
		mem_exhausted();
}

static bool event_step(struct loop *loop)
{
	struct event_loop *self = event_loop(loop);

	loop_clocks_arm(&self->clocks);
	event_base_loop(
		self->base, EVLOOP_ONCE | (list_is_empty(&loop->ready) ? 0 : EVLOOP_NONBLOCK));
	loop_run_ready(loop);
	return true;
}

static void event_loop_free(struct loop *loop)
{
	struct event_loop *self = event_loop(loop);

	loop_clocks_close(&self->clocks);
	event_base_free(self->base);
	loop_done(loop);
	free(self);
}

struct loop *loop_new(void)
{
	static const struct loop_backend backend = { event_loop_free, event_watch,
		event_watch_stop, event_step };
	struct event_loop *self = mem_new(struct event_loop);

	loop_init(&self->loop, &backend);
	self->base = event_base_new();
	if (!self->base)
		mem_exhausted();
	loop_clocks_open(&self->clocks, &self->loop);
	return &self->loop;
}
