/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_TASK_H
#define CERTD_LIB_TASK_TASK_H

#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/log/log.h"
#include "lib/task/loop.h"

/*
 * A task is work of seconds to minutes that reads top to bottom and never blocks.
 *
 * It consists of one function, one struct that embeds struct task, and a line number: a
 * stackless coroutine. The function is entered again whenever the task may go on, and jumps to
 * where it waited.
 *
 *	static void order_run(struct task *task)
 *	{
 *		struct order *o = TASK_OF(task, struct order);
 *
 *		TASK_BEGIN(task);
 *		AWAIT(keeper_ask(task, &o->keeper, "issue"));
 *		TRY(order_decode(o, &task->err));
 *		FINALLY
 *		if (o->published)
 *			AWAIT(keeper_ask(task, &o->keeper, "withdraw"));
 *		TASK_END
 *	}
 *
 * An operation (a keeper request, a sleep, a child task) embeds struct op. It registers in its
 * task when it starts, removes itself when it is done, and can be cancelled. When a task's last
 * operation is gone the loop resumes it; a callback never resumes a task. AWAIT starts one
 * operation and waits; several can be started and then JOIN()ed. When one fails, its siblings
 * are cancelled and the task goes to FINALLY with the error. After FINALLY errors are recorded
 * (the first one stays) and cancellation is ignored, so that cleanup may wait too.
 *
 * The compiler checks that no initialised local is alive across a wait (-Wjump-misses-init) and
 * that a source line has one wait. The run time checks that no wait is inside a switch.
 * Unchecked: note the intent before the wait, and make the undo idempotent.
 *
 * The caller owns the struct that embeds the task; `done` is called once, last, and may free
 * it.
 */

struct op {
	struct list link;
	struct task *task;
	/* Must lead to op_end(), at once or later. NULL: the operation cannot be cancelled. */
	void (*cancel)(struct op *op);
};

struct task {
	struct loop *loop;
	void (*run)(struct task *task);
	void (*done)(struct task *task); /* may be NULL */
	struct err err;                  /* the reason of the failure; code ERR_NONE: success */
	struct log_field log;            /* the log context of all it does */
	/* as an operation of its parent; task == NULL: a root */
	struct op as_op;
	struct list ops;
	struct ready ready; /* linked while it may go on */
	int line;
	bool is_running, is_finishing, is_ended;
};

#define TASK_OF(task, type) CONTAINER_OF(task, type, task)

/* Starts a root task. `task` is zeroed or has ended. */
void task_start(struct task *task, struct loop *loop, void (*run)(struct task *task),
	void (*done)(struct task *task));

/* Starts a task as an operation of another task, which gets its error. */
void task_start_child(struct task *task, struct task *parent, void (*run)(struct task *task));

/*
 * Cancels a task: it goes to its FINALLY with ERR_CANCELLED. No effect when it has ended or is
 * past FINALLY.
 */
void task_cancel(struct task *task, const char *why);

/* Register and end an operation. `err` may be NULL or without a code. */
void op_begin(struct op *op, struct task *task, void (*cancel)(struct op *op));
void op_end(struct op *op, const struct err *err);

static inline bool op_is_pending(const struct op *op)
{
	return list_is_linked(&op->link);
}

/* An operation that waits `ms` milliseconds of time since boot. */
struct sleep_op {
	struct op op;
	struct timer timer;
};

void task_sleep(struct task *task, struct sleep_op *sleep, int64_t ms);

/* Used by the macros below. */
bool task_must_wait(struct task *task);
bool task_must_leave(const struct task *task);
void task_end(struct task *task);

#define TASK_BEGIN(t)                                                                          \
	struct task *const task_ = (t);                                                        \
	switch (task_->line) {                                                                 \
	case 0:                                                                                \
		if (task_must_leave(task_))                                                    \
			goto finally;

#define AWAIT(start)                                                                           \
	do {                                                                                   \
		task_->line = __LINE__;                                                        \
		(start);                                                                       \
		if (task_must_wait(task_))                                                     \
			return;                                                                \
		FALLTHROUGH;                                                                   \
	case __LINE__:                                                                         \
		if (task_must_leave(task_))                                                    \
			goto finally;                                                          \
	} while (0)

#define JOIN() AWAIT((void)0)

#define TRY(call)                                                                              \
	do {                                                                                   \
		if ((call) < 0)                                                                \
			goto finally;                                                          \
	} while (0)

#define FAIL(...)                                                                              \
	do {                                                                                   \
		err_set(&task_->err, __VA_ARGS__);                                             \
		goto finally;                                                                  \
	} while (0)

#define FINISH() goto finally

#define FINALLY                                                                                \
	finally:                                                                               \
	task_->is_finishing = true;

#define TASK_END                                                                               \
	break;                                                                                 \
	default:                                                                               \
		abort();                                                                       \
		}                                                                              \
		task_end(task_);

#endif
