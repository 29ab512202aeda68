#include "daemon/conf/conf.h"
#include "daemon/job/job.h"
#include "daemon/job/runner.h"
#include "daemon/job/source.h"

/*
 * A new version from one of the certificate's CAs (daemon/job/source.h), stored by the keeper as next.
 * The plan rolls it when its time has come.
 */

static void say_issued(struct job *job)
{
	const struct cert_facts *facts = &job->cert->facts;
	char id[VERSION_ID_TEXT_LEN], end[INSTANT_TEXT_LEN];
	struct log_field version = { "VERSION", version_id_text(&facts->next.id, id),
		&job->task.log };

	log_event(&version, EVENT_CERT_ISSUED, NULL, "%s has a new version until %s",
		facts->cert, instant_text(facts->next.not_after, end));
}

void issue_run(struct task *task)
{
	struct job *job = TASK_OF(task, struct job);

	TASK_BEGIN(task)
	if (job_has_hook(job, HOOK_BEFORE_ISSUE)) {
		job_step(job, "before-issue");
		AWAIT(job_ask_hook(job, HOOK_BEFORE_ISSUE));
	}
	while (source_next(job))
		AWAIT(source_ask(job));
	TRY(source_result(job));
	say_issued(job);
	if (job_has_hook(job, HOOK_AFTER_ISSUE)) {
		job_step(job, "after-issue");
		AWAIT(job_tell_hook(job, HOOK_AFTER_ISSUE));
	}
	FINALLY
	job_take_late_facts(job);
	if (job_has_failed(job)) {
		AWAIT(job_keep_failure(job));
		job_take_kept(job);
	}
	TASK_END
}
