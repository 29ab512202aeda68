/* SPDX-License-Identifier: MIT */
#include "lib/task/task.h"

#include <assert.h>

static void cancel_ops(struct task *task)
{
	list_each_safe(at, &task->ops) {
		struct op *op = LIST_OF(at, struct op, link);

		if (op->cancel)
			op->cancel(op);
	}
}

static void make_ready(struct task *task)
{
	if (!task->is_running && !task->is_ended && !list_is_linked(&task->ready.link))
		loop_ready(task->loop, &task->ready);
}

/* run() may end the task, and its owner may free it then: nothing may use it after run(). */
static void go_on(struct ready *ready)
{
	struct task *task = CONTAINER_OF(ready, struct task, ready);

	task->is_running = true;
	task->run(task);
}

static void begin(struct task *task, struct loop *loop, void (*run)(struct task *task))
{
	task->loop = loop;
	task->run = run;
	task->err = (struct err)ERR_INIT;
	task->line = 0;
	task->is_running = task->is_finishing = task->is_ended = false;
	task->ready = (struct ready){ .go_on = go_on };
	list_init(&task->ops);
	make_ready(task);
}

void task_start(struct task *task, struct loop *loop, void (*run)(struct task *task),
	void (*done)(struct task *task))
{
	task->done = done;
	task->as_op = (struct op){ .task = NULL };
	begin(task, loop, run);
}

static void cancel_child(struct op *op)
{
	task_cancel(CONTAINER_OF(op, struct task, as_op), "cancelled");
}

void task_start_child(struct task *task, struct task *parent, void (*run)(struct task *task))
{
	task->done = NULL;
	task->log.up = &parent->log;
	op_begin(&task->as_op, parent, cancel_child);
	begin(task, parent->loop, run);
}

void task_cancel(struct task *task, const char *why)
{
	if (task->is_ended || task->is_finishing || task->err.code == ERR_CANCELLED)
		return;
	err_set(&task->err, ERR_CANCELLED, "%s", why);
	cancel_ops(task);
	if (list_is_empty(&task->ops))
		make_ready(task);
}

void op_begin(struct op *op, struct task *task, void (*cancel)(struct op *op))
{
	op->task = task;
	op->cancel = cancel;
	list_append(&task->ops, &op->link);
}

void op_end(struct op *op, const struct err *err)
{
	struct task *task = op->task;

	if (!op_is_pending(op))
		return;
	list_remove(&op->link);
	if (err && err_is_set(err) && !err_is_set(&task->err)) {
		task->err = *err;
		if (!task->is_finishing)
			cancel_ops(task);
	}
	if (list_is_empty(&task->ops))
		make_ready(task);
}

bool task_must_wait(struct task *task)
{
	if (list_is_empty(&task->ops))
		return false;
	task->is_running = false;
	return true;
}

bool task_must_leave(const struct task *task)
{
	return err_is_set(&task->err) && !task->is_finishing;
}

/* The parent, or the caller of task_start(), is notified last. */
void task_end(struct task *task)
{
	assert(list_is_empty(&task->ops));
	task->is_ended = true;
	if (task->as_op.task)
		op_end(&task->as_op, &task->err);
	else if (task->done)
		task->done(task);
}

static void sleep_over(struct timer *timer)
{
	op_end(&CONTAINER_OF(timer, struct sleep_op, timer)->op, NULL);
}

static void sleep_cancel(struct op *op)
{
	struct sleep_op *sleep = CONTAINER_OF(op, struct sleep_op, op);

	loop_timer_stop(op->task->loop, &sleep->timer);
	op_end(op, NULL);
}

void task_sleep(struct task *task, struct sleep_op *sleep, int64_t ms)
{
	sleep->timer.fire = sleep_over;
	op_begin(&sleep->op, task, sleep_cancel);
	loop_timer_in(task->loop, &sleep->timer, ms);
}
