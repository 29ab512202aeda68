/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"
#include "daemon/job/kinds.h"
#include "daemon/job/runner.h"

/*
 * Next becomes current and goes to the targets.  A target that fails is kept with its own
 * failure and tried again by the plan; the roll itself has happened.
 */

static void say_rolled(struct job *job)
{
	const struct cert_facts *facts = &job->cert->facts;
	char id[VERSION_ID_TEXT_LEN], end[INSTANT_TEXT_LEN];
	struct log_field version = { "VERSION", version_id_text(&facts->curr.id, id),
		&job->task.log };

	log_event(&version, EVENT_CERT_ROLLED, NULL, "%s rolled to a version that ends %s",
		facts->cert, instant_text(facts->curr.not_after, end));
}

void roll_done(struct job *job)
{
	deploying_done(&job->deploying);
}

void roll_run(struct task *task)
{
	struct job *job = TASK_OF(task, struct job);

	TASK_BEGIN(task)
	if (job_has_hook(job, HOOK_BEFORE_ROLL)) {
		job_step(job, "before-roll");
		AWAIT(job_ask_hook(job, HOOK_BEFORE_ROLL));
	}
	job_step(job, "roll");
	AWAIT(job_ask(job, REQUEST_roll));
	job_tell_recovery(job);
	TRY(job_take_facts(job));
	say_rolled(job);
	AWAIT(deploying_start(&job->deploying, job));
	if (job_has_hook(job, HOOK_AFTER_ROLL)) {
		job_step(job, "after-roll");
		AWAIT(job_tell_hook(job, HOOK_AFTER_ROLL));
	}
	FINALLY
	job_take_late_facts(job);
	if (job_has_failed(job)) {
		AWAIT(job_keep_failure(job));
		job_take_kept(job);
	} else if (!err_is_set(&task->err)) {
		task->err = job->deploying.failed;
	}
	TASK_END
}
