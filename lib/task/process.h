/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_PROCESS_H
#define CERTD_LIB_TASK_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/task/loop.h"

struct err;

/*
 * Children and signals are descriptors of a loop, a pidfd and a signalfd, so this works with every
 * loop but the virtual one.  The structs are the caller's and start zeroed; both may be stopped,
 * and the struct around them freed, in their own callbacks.
 */

struct loop_child {
	struct watch watch;
	void (*ended)(struct loop_child *child);
	pid_t pid;
	bool is_open; /* watch.fd is its pidfd */
};

/*
 * Calls child->ended once when the child process `pid` has ended.  It stays a zombie, so that its
 * process group can still be named safely, until loop_child_reap() takes its status.
 */
int loop_child_watch(struct loop *loop, struct loop_child *child, pid_t pid, struct err *err);

/*
 * The status as in waitpid(2), and forgets the child; -1 when it has not ended.  A reaped child has
 * the pid 0, because the kernel may give its number to another process.
 */
int loop_child_reap(struct loop_child *child, int *status);

/* Stops watching without reaping. */
void loop_child_forget(struct loop_child *child);

struct loop_signals {
	struct watch watch;
	void (*came)(struct loop_signals *signals, int signal);
	bool is_open; /* watch.fd is a signalfd */
};

/*
 * Blocks these signals for the process and calls signals->came for each. Called once, before any
 * thread is made.
 */
int loop_signals_catch(struct loop *loop, struct loop_signals *signals, const sigset_t *which,
	struct err *err);

/* They stay blocked. */
void loop_signals_forget(struct loop_signals *signals);

#endif
