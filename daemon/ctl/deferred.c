/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/deferred.h"

#include "daemon/ctl/ctl.h"

static void run(struct task *task)
{
	struct asking *asking = TASK_OF(task, struct asking);

	TASK_BEGIN(task);
	AWAIT(keeper_ask(asking->ctl->keeper, task, &asking->op));
	FINALLY
	TASK_END
}

static void end(struct asking *asking)
{
	keeper_op_done(&asking->op);
	asking->free(asking);
}

static void ended(struct task *task)
{
	struct asking *asking = TASK_OF(task, struct asking);

	asking->is_running = false;
	if (asking->is_orphan)
		end(asking);
	else
		session_wake(asking->answer.session);
}

void asking_start(struct asking *asking)
{
	asking->is_running = true;
	asking->task = (struct task){ .line = 0 };
	task_start(&asking->task, asking->ctl->loop, run, ended);
}

void asking_release(struct answer *answer)
{
	struct asking *asking = CONTAINER_OF(answer, struct asking, answer);

	if (!asking->is_running) {
		end(asking);
		return;
	}
	asking->is_orphan = true;
	task_cancel(&asking->task, "the client is gone");
}
