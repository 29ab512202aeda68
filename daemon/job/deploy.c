/* SPDX-License-Identifier: MIT */
#include "daemon/job/kinds.h"
#include "daemon/job/runner.h"

void deploy_done(struct job *job)
{
	deploying_done(&job->deploying);
}

/* The current version goes to every target that has not confirmed it. */
void deploy_run(struct task *task)
{
	struct job *job = TASK_OF(task, struct job);

	TASK_BEGIN(task)
	AWAIT(deploying_start(&job->deploying, job));
	FINALLY
	if (!err_is_set(&task->err))
		task->err = job->deploying.failed;
	TASK_END
}
