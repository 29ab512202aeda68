/* SPDX-License-Identifier: MIT */
#include "daemon/job/deploying.h"

#include <string.h>

#include "daemon/cert/target.h"
#include "daemon/conf/index.h"
#include "daemon/job/failure.h"
#include "daemon/job/job.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"

/* As the job began with it: a reload may have given the fleet another one, with other targets. */
static const struct cert_conf *cert(const struct deploying *d)
{
	return conf_cert(d->job->conf, d->job->cert->conf->name);
}

static const struct target_conf *target(const struct deploying *d)
{
	return cert_conf_nth_target(d->job->conf, cert(d), d->i);
}

static struct cert_facts *facts(const struct deploying *d)
{
	return &d->job->cert->facts;
}

static bool may_go(const struct deploying *d)
{
	return !target_waits_for(cert(d), d->job->conf, facts(d), target(d));
}

static void take(struct deploying *d)
{
	struct log_field context = { "TARGET", target(d)->name, &d->task.log };
	const struct target_facts *before = facts_target(facts(d), target(d)->name);
	bool had_failed = before && before->failure.code != ERR_NONE;

	if (d->target.has_facts) {
		fleet_take_facts(d->job->runner->fleet, &d->target.facts);
		d->target.has_facts = false;
	}
	if (err_is_set(&d->target.err)) {
		const struct target_facts *known = facts_target(facts(d), target(d)->name);

		if (!known || known->failure.code != d->target.err.code ||
			!failure_counts(&known->failure, target(d)->deploy_digest) ||
			failure_is_daily(&known->failure, clock_now()))
			log_event(&context, EVENT_TARGET_FAILED, &d->target.err,
				"%s: the target %s is not in line", d->job->cert->conf->name,
				target(d)->name);
		if (!err_is_set(&d->failed))
			d->failed = d->target.err;
		return;
	}
	if (had_failed)
		log_event(&context, EVENT_CERT_RECOVERED, NULL, "%s: the target %s works again",
			d->job->cert->conf->name, target(d)->name);
	if (d->target.was_changed)
		log_event(&context, EVENT_CERT_DEPLOYED, NULL, "%s is deployed to %s",
			d->job->cert->conf->name, target(d)->name);
}

static struct failed failed(const struct deploying *d)
{
	return (struct failed){ d->job->runner->fleet, d->job->cert, target(d)->name,
		target(d)->deploy_digest, &d->target.err };
}

static void keep(struct deploying *d)
{
	struct failed what = failed(d);

	failure_keep(&what, &d->task, &d->keeper);
}

static void take_kept(struct deploying *d)
{
	struct failed what = failed(d);

	failure_take_kept(&what, &d->keeper);
}

/* A reload took it away meanwhile, so there is nothing to bring in line. */
static bool is_gone(const struct deploying *d)
{
	enum err_code code = d->target.err.code;

	return code == ERR_NO_SUCH_TARGET || code == ERR_NO_SUCH_CERT;
}

static bool wants_tidying(const struct deploying *d)
{
	return !d->job->cert->is_gone &&
	       target_wants_tidying(d->job->cert->conf, d->job->runner->fleet->conf, facts(d));
}

static void run(struct task *task)
{
	struct deploying *d = TASK_OF(task, struct deploying);

	TASK_BEGIN(task)
	for (d->i = 0; d->i < cert(d)->n_targets && !d->job->cert->is_gone; d->i++) {
		if (!may_go(d))
			continue;
		job_step(d->job, "deploy");
		AWAIT(target_deploy(&d->job->runner->targets, task, &d->target, target(d)->name,
			d->job->cert->conf->name));
		if (is_gone(d))
			continue;
		take(d);
		if (!err_is_set(&d->target.err))
			continue;
		AWAIT(keep(d));
		take_kept(d);
	}
	if (wants_tidying(d)) {
		AWAIT(fleet_ask_tidy(d->job->runner->fleet, d->job->cert, task, &d->keeper));
		fleet_take_tidied(d->job->runner->fleet, &d->keeper);
	}
	FINALLY
	TASK_END
}

void deploying_start(struct deploying *deploying, struct job *job)
{
	deploying->job = job;
	deploying->failed = (struct err)ERR_INIT;
	task_start_child(&deploying->task, &job->task, run);
}

void deploying_done(struct deploying *deploying)
{
	target_op_done(&deploying->target);
	keeper_op_done(&deploying->keeper);
}
