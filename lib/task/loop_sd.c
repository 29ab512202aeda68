/* SPDX-License-Identifier: MIT */
#include "lib/task/loop_sd.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"
#include "lib/task/loop_private.h"

/*
 * A watch is an event source while it waits for something. sd-event's own timers are not used:
 * each is read when it fires, and set with a leeway.
 */
struct sd_loop {
	struct loop loop;
	sd_event *event;
	struct loop_clocks clocks;
};

static struct sd_loop *sd_loop(struct loop *loop)
{
	return CONTAINER_OF(loop, struct sd_loop, loop);
}

/* The descriptors are valid and the callbacks return 0, so memory is all that can be missing. */
static void check(int result)
{
	if (result == -ENOMEM || result == -ENOSPC)
		mem_exhausted();
	assert(result >= 0);
}

struct sd_event *loop_sd_event(struct loop *loop)
{
	return sd_loop(loop)->event;
}

/* A descriptor that has ended or is broken is ready for all that is waited for. */
static int on_fd(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct watch *watch = data;
	bool is_over = events & (EPOLLHUP | EPOLLERR);
	uint32_t wanted = 0;
	unsigned what;

	(void)fd;
	sd_event_source_get_io_events(source, &wanted);
	events = is_over ? wanted : events & wanted;
	what = ((events & EPOLLIN) ? LOOP_READ : 0) | ((events & EPOLLOUT) ? LOOP_WRITE : 0);
	if (what)
		watch->ready(watch, what);
	return 0;
}

static void sd_watch(struct loop *loop, struct watch *watch, unsigned what)
{
	uint32_t events = ((what & LOOP_READ) ? (uint32_t)EPOLLIN : 0) |
			  ((what & LOOP_WRITE) ? (uint32_t)EPOLLOUT : 0);
	sd_event_source *source = watch->impl;

	if (source) {
		check(sd_event_source_set_io_events(source, events));
		return;
	}
	check(sd_event_add_io(sd_loop(loop)->event, &source, watch->fd, events, on_fd, watch));
	watch->impl = source;
}

static void sd_watch_stop(struct watch *watch)
{
	sd_event_source_disable_unref(watch->impl);
}

static bool sd_step(struct loop *loop)
{
	struct sd_loop *self = sd_loop(loop);

	loop_clocks_arm(&self->clocks);
	check(sd_event_run(self->event, list_is_empty(&loop->ready) ? UINT64_MAX : 0));
	loop_run_ready(loop);
	return true;
}

static void sd_loop_free(struct loop *loop)
{
	struct sd_loop *self = sd_loop(loop);

	loop_clocks_close(&self->clocks);
	sd_event_unref(self->event);
	loop_done(loop);
	free(self);
}

struct loop *loop_new(void)
{
	static const struct loop_backend backend = { sd_loop_free, sd_watch, sd_watch_stop,
		sd_step };
	struct sd_loop *self = mem_new(struct sd_loop);

	loop_init(&self->loop, &backend);
	check(sd_event_new(&self->event));
	loop_clocks_open(&self->clocks, &self->loop);
	return &self->loop;
}
