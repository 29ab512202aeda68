/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/deferred.h"

#include "daemon/ctl/ctl.h"

static void run(struct task *task)
{
	struct deferred *deferred = TASK_OF(task, struct deferred);

	TASK_BEGIN(task);
	AWAIT(keeper_ask(deferred->ctl->keeper, task, &deferred->op));
	FINALLY
	TASK_END
}

static void end(struct deferred *deferred)
{
	keeper_op_done(&deferred->op);
	deferred->free(deferred);
}

static void ended(struct task *task)
{
	struct deferred *deferred = TASK_OF(task, struct deferred);

	deferred->is_running = false;
	if (deferred->is_orphan)
		end(deferred);
	else
		session_wake(deferred->answer.session);
}

void deferred_start(struct deferred *deferred)
{
	deferred->is_running = true;
	deferred->task = (struct task){ .line = 0 };
	task_start(&deferred->task, deferred->ctl->loop, run, ended);
}

void deferred_release(struct answer *answer)
{
	struct deferred *deferred = CONTAINER_OF(answer, struct deferred, answer);

	if (!deferred->is_running) {
		end(deferred);
		return;
	}
	deferred->is_orphan = true;
	task_cancel(&deferred->task, "the client is gone");
}
