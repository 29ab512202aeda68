/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_HTTP_ASK_H
#define CERTD_TESTS_UNIT_HTTP_ASK_H

#include "lib/net/http.h"
#include "lib/base/str.h"
#include "lib/task/task.h"
#include "tests/unit/http_server.h"

/*
 * Operations asked to their end on a real loop: one task starts all of them side by side and joins.
 * With `cancel_ms` a timer cancels the task meanwhile.
 */

static struct loop *loop;
static struct http *http;

struct asking {
	struct task task;
	struct http_op *ops;
	size_t n, i;
	struct timer timer;
};

static void asking_run(struct task *task)
{
	struct asking *a = TASK_OF(task, struct asking);

	TASK_BEGIN(task)
	for (a->i = 0; a->i < a->n; a->i++)
		http_ask(http, task, &a->ops[a->i]);
	JOIN();
	FINALLY
	TASK_END
}

static void asking_done(struct task *task)
{
	loop_stop(task->loop);
}

static void asking_cancel(struct timer *timer)
{
	task_cancel(&CONTAINER_OF(timer, struct asking, timer)->task, "the test said so");
}

/* The task's error; cancel_ms < 0: never. */
static struct err ask_all(struct http_op *ops, size_t n, int64_t cancel_ms)
{
	struct asking asking = { .ops = ops, .n = n, .timer.fire = asking_cancel };

	if (cancel_ms >= 0)
		loop_timer_in(loop, &asking.timer, cancel_ms);
	task_start(&asking.task, loop, asking_run, asking_done);
	loop_run(loop);
	loop_timer_stop(loop, &asking.timer);
	CHECK(asking.task.is_ended);
	return asking.task.err;
}

static struct err ask(struct http_op *op)
{
	return ask_all(op, 1, -1);
}

/* A GET at a server of http_server.py, with its root. */
static inline struct err get(struct http_op *op, const char *server, const char *path)
{
	http_get(op, servers_url(server, path));
	op->trust = servers.trust;
	return ask(op);
}

#endif
