/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_LOOP_EVENTS_H
#define CERTD_DAEMON_KEEPER_LOOP_EVENTS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "lib/base/heap.h"
#include "lib/base/instant.h"

struct err;

/*
 * The keeper's event loop: epoll, one timerfd on CLOCK_BOOTTIME for all timers, pidfds for
 * children, one signalfd.  The keeper links no event library.
 *
 * Everything that can happen is a struct that its owner embeds and zeroes: event_fd, event_timer,
 * event_child.  Nothing is allocated per event.  Every one of them may be removed, and the struct
 * around it freed, inside any callback, its own included; a removed one is never called again.
 * Removing what was never added is fine.  Callbacks run one after the other, from events_run_once()
 * only, never from a function that adds or changes something.
 */

#define EVENTS_BATCH 32

struct events {
	int epoll_fd, timer_fd, signal_fd;
	struct heap timers;
	int64_t armed; /* what timer_fd is set to; 0: off */
	struct epoll_event ready[EVENTS_BATCH];
	int n_ready, at_ready;
	void (*signalled)(void *data, int signal);
	void *signal_data;
	bool is_stopped;
};

struct event_fd {
	void (*ready)(void *data, uint32_t what); /* EPOLLIN, EPOLLOUT, EPOLLHUP ... */
	void *data;
	int fd;
	uint32_t mask;
	bool is_added;
};

struct event_timer {
	struct heap_node node;
	void (*fired)(void *data);
	void *data;
};

struct event_child {
	struct event_fd fd;
	void (*ended)(void *data);
	void *data;
	pid_t pid;
	int pidfd;
};

int events_init(struct events *events, struct err *err);
void events_done(struct events *events);

/* Watches a descriptor, which stays the caller's, or changes what is asked of it (EPOLLIN ...). */
int events_watch_fd(struct events *events, struct event_fd *fd, uint32_t mask, struct err *err);

/* To be called before the descriptor is closed. */
void events_unwatch_fd(struct events *events, struct event_fd *fd);

/* Calls `fired` once, at or after `at` on clock_tick(); moves a timer that is set already. */
void events_set_timer(struct events *events, struct event_timer *timer, struct tick at);
void events_set_timer_in(struct events *events, struct event_timer *timer, int64_t ms);
void events_stop_timer(struct events *events, struct event_timer *timer);

/*
 * Calls child->ended once when the child process `pid` has ended.  It stays a zombie, so that its
 * process group can still be named safely, until events_reap_child() takes its status.
 */
int events_watch_child(
	struct events *events, struct event_child *child, pid_t pid, struct err *err);

/* The status as in waitpid(2), and forgets the child; -1 when it has not ended. */
int events_reap_child(struct events *events, struct event_child *child, int *status);

/* Stops watching without reaping. */
void events_unwatch_child(struct events *events, struct event_child *child);

/* Blocks these signals for the process and tells each to `signalled`.  Once, at start. */
int events_catch_signals(struct events *events, const sigset_t *signals,
	void (*signalled)(void *data, int signal), void *data, struct err *err);

/*
 * Waits until something happens, at most `timeout_ms` (-1: for ever), and calls everything that
 * is due.  -1 only when the kernel refuses.
 */
int events_run_once(struct events *events, int timeout_ms, struct err *err);

/* Runs until events_stop(). */
int events_run(struct events *events, struct err *err);

/* Runs until *flag or the time is over.  0, or -1 with ERR_TIMEOUT. */
int events_run_until(struct events *events, const bool *flag, int timeout_ms, struct err *err);

/* Lets events_run() return after the callback that says so. */
void events_stop(struct events *events);

#endif
