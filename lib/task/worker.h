/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_WORKER_H
#define CERTD_LIB_TASK_WORKER_H

#include <stdbool.h>

struct err;
struct loop;

/*
 * A worker does slow work beside the loop: RSA keys, copies that sync.
 *
 * A few threads take work from a queue in order.  `run` touches nothing but what `in` points at and
 * calls nothing that keeps state of its own (no log, no store, no configuration that may be
 * released meanwhile).  When it has returned, `done` is called once, in the loop, never from
 * worker_start(); it owns `in` again.
 *
 * worker_free() never waits for a computation: what has not begun is dropped, and a thread that is
 * in the middle of one is left alone; it drops its input at the end, if the process lives so
 * long.  Then the process has to end with _exit(), because exit() would take libcrypto away below
 * it.  When none is, every thread has ended, and the memory that libraries kept for it is freed.
 */

struct worker;

struct work {
	void (*run)(void *in);              /* in a thread */
	void (*done)(void *in, void *data); /* in the loop */
	void (*drop)(void *in); /* instead of `done`, after worker_free(); any thread */
};

#define WORKER_THREADS 8

int worker_new(struct loop *loop, struct worker **out, struct err *err);

/* Queues one piece of work; `kind` is static. */
void worker_start(struct worker *worker, const struct work *kind, void *in, void *data);

/* Is anything queued, running, or done and not yet told? */
bool worker_is_busy(const struct worker *worker);

/* False when a thread had to be left behind.  NULL is fine. */
bool worker_free(struct worker *worker);

#endif
