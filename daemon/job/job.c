/* SPDX-License-Identifier: MIT */
#include "daemon/job/job.h"

#include "daemon/conf/conf.h"
#include "daemon/job/failure.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

void job_step(struct job *job, const char *step)
{
	struct log_field field = { "STEP", step, &job->task.log };

	if (job->step && str_is(job->step, step))
		return;
	job->step = step;
	log_event(&field, EVENT_JOB_STEP, NULL, "%s: %s: %s", job->about, job->verb, step);
}

int job_take_facts(struct job *job)
{
	struct cert_facts facts;

	if (keeper_facts(&job->keeper, &facts, &job->task.err) < 0)
		return -1;
	keeper_op_done(&job->keeper);
	fleet_take_facts(job->runner->fleet, &facts);
	return 0;
}

void job_take_late_facts(struct job *job)
{
	struct cert_facts facts;
	struct err err;

	if (job->keeper.answer.kind != KEEPER_OK ||
		keeper_facts(&job->keeper, &facts, &err) < 0)
		return;
	keeper_op_done(&job->keeper);
	fleet_take_facts(job->runner->fleet, &facts);
}

bool job_has_failed(const struct job *job)
{
	return err_is_set(&job->task.err) &&
	       err_code_class(job->task.err.code) != CLASS_CANCELLED;
}

static struct failed failed(const struct job *job)
{
	const struct cert_conf *conf = conf_cert(job->conf, job->cert->conf->name);

	return (struct failed){ job->runner->fleet, job->cert, NULL, conf->issue_digest,
		&job->task.err };
}

void job_keep_failure(struct job *job)
{
	struct failed what = failed(job);

	job->has_kept_failure = true;
	failure_keep(&what, &job->task, &job->keeper);
}

void job_take_kept(struct job *job)
{
	struct failed what = failed(job);

	failure_take_kept(&what, &job->keeper);
}

void job_tell_recovery(struct job *job)
{
	if (job->cert->facts.failure.code != ERR_NONE)
		log_event(&job->task.log, EVENT_CERT_RECOVERED, NULL, "%s: %s works again",
			job->cert->conf->name, job->verb);
}

static void ask(struct job *job, enum request request, bool is_soft)
{
	keeper_request(&job->keeper, request);
	job->keeper.is_soft = is_soft;
	line_add(&job->keeper.text, "cert", job->cert->conf->name);
	if (request == REQUEST_issue && job->reuse_key)
		line_add_bool(&job->keeper.text, "reuse", true);
	/* Not cancellable: a lost answer would issue twice.  Slow keys excepted. */
	if (job->is_slow)
		keeper_ask(job->runner->fleet->keeper, &job->task, &job->keeper);
	else
		keeper_ask_firm(job->runner->fleet->keeper, &job->task, &job->keeper);
}

void job_ask(struct job *job, enum request request)
{
	ask(job, request, false);
}

void job_try(struct job *job, enum request request)
{
	ask(job, request, true);
}

bool job_has_hook(const struct job *job, enum hook hook)
{
	return job->conf->hooks[hook].n > 0;
}

static void ask_hook(struct job *job, enum hook hook)
{
	keeper_request(&job->keeper, REQUEST_hook);
	line_add(&job->keeper.text, "cert", job->cert->conf->name);
	line_add(&job->keeper.text, "hook", hook_text(hook));
}

void job_ask_hook(struct job *job, enum hook hook)
{
	ask_hook(job, hook);
	keeper_ask(job->runner->fleet->keeper, &job->task, &job->keeper);
}

void job_tell_hook(struct job *job, enum hook hook)
{
	ask_hook(job, hook);
	keeper_ask_soft(job->runner->fleet->keeper, &job->task, &job->keeper);
}
