/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/loop/events.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/file.h"

/* The descriptors of the loop itself are told apart from watched ones by these addresses. */
static char timer_mark, signal_mark;

static int add_own(struct events *events, int fd, void *mark, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = mark };

	if (epoll_ctl(events->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_sys(err, ERR_IO, errno, "cannot watch a descriptor");
	return 0;
}

int events_init(struct events *events, struct err *err)
{
	*events = (struct events){ .epoll_fd = -1, .timer_fd = -1, .signal_fd = -1 };
	events->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	events->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (events->epoll_fd < 0 || events->timer_fd < 0) {
		err_sys(err, ERR_IO, errno, "cannot make the event loop");
		events_done(events);
		return -1;
	}
	if (add_own(events, events->timer_fd, &timer_mark, err) < 0) {
		events_done(events);
		return -1;
	}
	return 0;
}

void events_done(struct events *events)
{
	file_closep(&events->signal_fd);
	file_closep(&events->timer_fd);
	file_closep(&events->epoll_fd);
	heap_done(&events->timers);
}

int events_watch_fd(struct events *events, struct event_fd *fd, uint32_t mask, struct err *err)
{
	struct epoll_event event = { .events = mask, .data.ptr = fd };
	int op = fd->is_added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (fd->is_added && fd->mask == mask)
		return 0;
	if (epoll_ctl(events->epoll_fd, op, fd->fd, &event) < 0)
		return err_sys(err, ERR_IO, errno, "cannot watch a descriptor");
	fd->is_added = true;
	fd->mask = mask;
	return 0;
}

void events_unwatch_fd(struct events *events, struct event_fd *fd)
{
	if (!fd->is_added)
		return;
	epoll_ctl(events->epoll_fd, EPOLL_CTL_DEL, fd->fd, NULL);
	fd->is_added = false;
	/* What the kernel has reported already must not reach the owner any more. */
	for (int i = events->at_ready; i < events->n_ready; i++)
		if (events->ready[i].data.ptr == fd)
			events->ready[i].data.ptr = NULL;
}

void events_set_timer(struct events *events, struct event_timer *timer, struct tick at)
{
	heap_set(&events->timers, &timer->node, at.ms);
}

void events_set_timer_in(struct events *events, struct event_timer *timer, int64_t ms)
{
	events_set_timer(events, timer, (struct tick){ clock_tick().ms + ms });
}

void events_stop_timer(struct events *events, struct event_timer *timer)
{
	if (heap_has(&timer->node))
		heap_remove(&events->timers, &timer->node);
}

static void child_ready(void *data, uint32_t what)
{
	struct event_child *child = data;

	(void)what;
	child->ended(child->data);
}

int events_watch_child(
	struct events *events, struct event_child *child, pid_t pid, struct err *err)
{
	child->pid = pid;
	child->pidfd = pidfd_open(pid, 0);
	if (child->pidfd < 0)
		return err_sys(err, ERR_IO, errno, "cannot watch process %d", (int)pid);
	child->fd =
		(struct event_fd){ .ready = child_ready, .data = child, .fd = child->pidfd };
	/* One report: the zombie stays readable until its owner reaps it. */
	if (events_watch_fd(events, &child->fd, EPOLLIN | EPOLLONESHOT, err) < 0) {
		file_closep(&child->pidfd);
		return -1;
	}
	return 0;
}

void events_unwatch_child(struct events *events, struct event_child *child)
{
	if (!child->fd.is_added)
		return;
	events_unwatch_fd(events, &child->fd);
	file_closep(&child->pidfd);
}

int events_reap_child(struct events *events, struct event_child *child, int *status)
{
	if (waitpid(child->pid, status, WNOHANG) != child->pid)
		return -1;
	events_unwatch_child(events, child);
	return 0;
}

int events_catch_signals(struct events *events, const sigset_t *signals,
	void (*signalled)(void *data, int signal), void *data, struct err *err)
{
	assert(events->signal_fd < 0);
	if (sigprocmask(SIG_BLOCK, signals, NULL) < 0)
		return err_sys(err, ERR_IO, errno, "cannot block signals");
	events->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (events->signal_fd < 0)
		return err_sys(err, ERR_IO, errno, "cannot receive signals");
	events->signalled = signalled;
	events->signal_data = data;
	return add_own(events, events->signal_fd, &signal_mark, err);
}

static void tell_signals(struct events *events)
{
	struct signalfd_siginfo info;

	while (read(events->signal_fd, &info, sizeof(info)) == sizeof(info))
		events->signalled(events->signal_data, (int)info.ssi_signo);
}

/* A timer that is set again for now by its own callback waits for the next round. */
static void fire_timers(struct events *events)
{
	int64_t now = clock_tick().ms;
	struct heap_node *node;

	while ((node = heap_first(&events->timers)) && node->key <= now) {
		struct event_timer *timer = CONTAINER_OF(node, struct event_timer, node);
		size_t left = events->timers.n;

		heap_remove(&events->timers, node);
		timer->fired(timer->data);
		if (events->timers.n >= left)
			break;
	}
}

static int arm(struct events *events, struct err *err)
{
	struct heap_node *first = heap_first(&events->timers);
	int64_t at = !first ? 0 : first->key > 0 ? first->key : 1;
	struct itimerspec when = { { 0, 0 }, { at / 1000, at % 1000 * 1000000 } };

	if (at == events->armed)
		return 0;
	if (timerfd_settime(events->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return err_sys(err, ERR_IO, errno, "cannot set a timer");
	events->armed = at;
	return 0;
}

static void dispatch(struct events *events, const struct epoll_event *event)
{
	struct event_fd *fd = event->data.ptr;

	if (event->data.ptr == &timer_mark) {
		events->armed = -1; /* fired: whatever comes next is set anew */
		fire_timers(events);
	} else if (event->data.ptr == &signal_mark) {
		tell_signals(events);
	} else if (fd) {
		fd->ready(fd->data, event->events);
	}
}

int events_run_once(struct events *events, int timeout_ms, struct err *err)
{
	if (arm(events, err) < 0)
		return -1;
	events->n_ready = epoll_wait(events->epoll_fd, events->ready, EVENTS_BATCH, timeout_ms);
	if (events->n_ready < 0) {
		events->n_ready = 0;
		return errno == EINTR ? 0
				      : err_sys(err, ERR_IO, errno, "cannot wait for events");
	}
	for (events->at_ready = 0; events->at_ready < events->n_ready;) {
		const struct epoll_event event = events->ready[events->at_ready++];

		dispatch(events, &event);
	}
	events->n_ready = events->at_ready = 0;
	return 0;
}

int events_run(struct events *events, struct err *err)
{
	events->is_stopped = false;
	while (!events->is_stopped)
		if (events_run_once(events, -1, err) < 0)
			return -1;
	return 0;
}

int events_run_until(struct events *events, const bool *flag, int timeout_ms, struct err *err)
{
	int64_t end = clock_tick().ms + timeout_ms;

	while (!*flag) {
		int64_t left = end - clock_tick().ms;

		if (left <= 0)
			return err_set(
				err, ERR_TIMEOUT, "nothing happened in %d ms", timeout_ms);
		if (events_run_once(events, (int)left, err) < 0)
			return -1;
	}
	return 0;
}

void events_stop(struct events *events)
{
	events->is_stopped = true;
}
