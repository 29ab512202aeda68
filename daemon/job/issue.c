/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"
#include "daemon/job/kinds.h"
#include "daemon/job/manners.h"
#include "daemon/job/runner.h"
#include "daemon/job/source.h"

/*
 * A new version from one of the certificate's CAs (daemon/job/source.h), stored by the keeper
 * as next. The plan rolls it when its time has come.  A test goes the same way at the staging
 * directory and leaves nothing behind but what it says.
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

static bool is_accounts(const struct job *job)
{
	return job->task.err.code == ERR_ACCOUNT_REFUSED &&
	       fleet_issuer(job->runner->fleet, job->cert).refusal;
}

void issue_done(struct job *job)
{
	order_done(&job->order);
}

void issue_run(struct task *task)
{
	struct job *job = TASK_OF(task, struct job);

	TASK_BEGIN(task)
	if (!job->is_test && job_has_hook(job, HOOK_BEFORE_ISSUE)) {
		job_step(job, "before-issue");
		AWAIT(job_ask_hook(job, HOOK_BEFORE_ISSUE));
	}
	while (manners_must_read(job)) {
		AWAIT(manners_read(job));
		manners_take(job);
	}
	while (source_next(job)) {
		AWAIT(source_ask(job));
		if (source_was_order(job) && manners_must_record(job))
			AWAIT(manners_record(job));
	}
	TRY(source_result(job));
	if (job->is_test)
		FINISH();
	say_issued(job);
	if (job_has_hook(job, HOOK_AFTER_ISSUE)) {
		job_step(job, "after-issue");
		AWAIT(job_tell_hook(job, HOOK_AFTER_ISSUE));
	}
	FINALLY
	manners_leave(job);
	if (!job->is_test)
		job_take_late_facts(job);
	/* A failure of the account is none of the certificate: the plan waits for the account. */
	if (job_has_failed(job) && !job->is_test && !is_accounts(job)) {
		AWAIT(job_keep_failure(job));
		job_take_kept(job);
	}
	TASK_END
}
