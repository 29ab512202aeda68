/* SPDX-License-Identifier: MIT */
#include "daemon/job/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/job/kinds.h"
#include "daemon/job/lane.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/key.h"

static enum job_kind kind_of(enum action action)
{
	return action == ACTION_ROLL     ? JOB_ROLL
	       : action == ACTION_DEPLOY ? JOB_DEPLOY
	       : action == ACTION_REVOKE ? JOB_REVOKE
					 : JOB_ISSUE;
}

/* A certificate whose job fails again for the same reason is told of only daily. */
static bool is_news(struct job *job)
{
	const struct failure *last = &job->cert->facts.failure;
	struct instant now = clock_now();

	if (last->tries > 1 && last->code == job->task.err.code &&
		instant_since(now, job->cert->told).s < DAYS(1).s)
		return false;
	job->cert->told = now;
	return true;
}

static void say_result(struct job *job)
{
	const struct err *err = &job->task.err;
	struct log_field result = { "RESULT", err_is_set(err) ? "failed" : "ok",
		&job->task.log };

	if (job_has_failed(job) && job->has_kept_failure && is_news(job))
		log_event(&job->task.log, EVENT_CERT_FAILED, err, "%s: %s failed", job->about,
			job->verb);
	log_event(&result, EVENT_JOB_DONE, err, "%s: %s %s", job->about, job->verb,
		err_is_set(err) ? "failed" : "ended");
}

/* Planned anew when its turn comes: the world may have changed while it waited. */
static void start_waiting(struct runner *runner)
{
	if (runner->is_gathering)
		return;
	list_each(at, &runner->lanes) {
		struct lane *lane = LIST_OF(at, struct lane, link);
		struct heap_node *first;

		while (lane_has_room(runner, lane) && (first = heap_first(&lane->due))) {
			struct cert *cert = CONTAINER_OF(first, struct cert, due);

			runner_forget(cert);
			fleet_look(runner->fleet, cert);
		}
	}
}

static void on_gather(struct fleet_follower *follower, bool is_gathering)
{
	struct runner *runner = CONTAINER_OF(follower, struct runner, follower);

	runner->is_gathering = is_gathering;
	if (!is_gathering && !runner->is_stopping)
		start_waiting(runner);
}

static void job_free(struct job *job)
{
	keeper_op_done(&job->keeper);
	job_kinds[job->kind].done(job);
	conf_unref(job->conf);
	free(job);
}

void runner_end(struct job *job)
{
	struct runner *runner = job->runner;
	struct cert *cert = job->cert;

	say_result(job);
	list_remove(&job->link);
	runner->n_jobs--;
	if (job->lane)
		job->lane->n--;
	job_free(job);
	if (cert)
		fleet_release(runner->fleet, cert);
	if (!runner->is_stopping)
		start_waiting(runner);
	else if (runner->n_jobs == 0 && runner->idle)
		runner->idle(runner->idle_data);
}

static void root_ended(struct task *task)
{
	runner_end(TASK_OF(task, struct job));
}

void runner_add(struct runner *runner, struct job *job, enum job_kind kind, struct cert *cert)
{
	job->runner = runner;
	job->kind = kind;
	if (!job->verb)
		job->verb = job_kinds[kind].text;
	job->cert = cert;
	if (cert)
		job->about = cert->conf->name;
	job->conf = conf_ref(runner->fleet->conf);
	job->number = ++runner->last_number;
	job->started = clock_now();
	job->begun = clock_tick();
	snprintf(job->number_text, sizeof(job->number_text), "%llu",
		(unsigned long long)job->number);
	job->task.log = (struct log_field){ "JOB", job->number_text, NULL };
	if (cert) {
		cert->job = job;
		cert->facts.looked = INSTANT_NONE;
		runner_forget(cert);
		job->log_cert = (struct log_field){ "CERT", cert->conf->name, NULL };
		job->task.log.up = &job->log_cert;
		job->lane = lane_of(runner, kind, cert);
		job->lane->n++;
		job->is_slow = kind == JOB_ISSUE && key_is_slow(cert->conf->key);
	}
	list_append(&runner->jobs, &job->link);
	runner->n_jobs++;
	log_event(&job->task.log, EVENT_JOB_STARTED, NULL, "%s: %s begins", job->about,
		job->verb);
}

void runner_begin(struct job *job)
{
	task_start(&job->task, job->runner->fleet->loop, job_kinds[job->kind].run, root_ended);
}

static struct job *start(struct runner *runner, enum job_kind kind, struct cert *cert,
	const struct job_options *options)
{
	struct job *job = mem_new(struct job);

	if (options->is_test)
		job->verb = "test";
	job->is_test = options->is_test;
	runner_add(runner, job, kind, cert);
	job->is_forced = options->is_forced;
	job->is_try = options->is_try;
	job->reuse_key = !options->wants_new_key && !facts_are_doomed(&cert->facts) &&
			 (options->reuse_key || cert->conf->reuse_key);
	runner_begin(job);
	return job;
}

bool runner_has_same(
	const struct runner *runner, enum job_kind kind, const char *about, struct err *err)
{
	list_each(at, &runner->jobs) {
		const struct job *job = LIST_OF(at, struct job, link);

		if (job->kind != kind || !str_is(job->about, about))
			continue;
		err_set(err, ERR_BUSY, "%s has job %s already (%s)", about, job->number_text,
			job->verb);
		return true;
	}
	return false;
}

static void start_due(struct runner *runner, struct cert *cert, enum job_kind kind, bool is_try)
{
	if (job_kinds[kind].due)
		job_kinds[kind].due(runner, cert);
	else
		start(runner, kind, cert, &(struct job_options){ .is_try = is_try });
}

/* An operator's revocation has the certificate between its children, too. */
static bool is_taken(const struct runner *runner, const struct cert *cert)
{
	struct err ignored;

	return cert->job ||
	       (version_is_set(&cert->facts.revocation.of) &&
		       runner_has_same(runner, JOB_REVOKE, cert->conf->name, &ignored));
}

/* A try that comes too early after another one is looked at again by the clock's watch. */
static bool clock_lets_through(
	struct runner *runner, const struct lane *lane, const struct plan *plan)
{
	const struct ca_conf *conf = lane->ca ? conf_ca(runner->fleet->conf, lane->ca) : NULL;
	const struct acme_ca *ca;

	if (!plan->is_try || !conf || !runner->acme || runner->is_gathering || lane->n > 0)
		return true;
	ca = acme_ca_find(runner->acme, conf, false);
	return !ca || acme_ca_may_try(ca, false);
}

static void on_due(struct fleet_follower *follower, struct cert *cert, const struct plan *plan)
{
	struct runner *runner = CONTAINER_OF(follower, struct runner, follower);
	enum job_kind kind = kind_of(plan->action);
	struct lane *lane = lane_of(runner, kind, cert);

	if (runner->is_stopping || is_taken(runner, cert) ||
		(kind == JOB_REVOKE && !runner->acme))
		return;
	if (!clock_lets_through(runner, lane, plan))
		return;
	if (lane_has_room(runner, lane) && !runner->is_gathering)
		start_due(runner, cert, kind, plan->is_try);
	else
		lane_queue(runner, lane, cert, plan->action);
}

static void on_leave(struct fleet_follower *follower, struct cert *cert)
{
	(void)follower;
	runner_forget(cert);
}

static void account_changed(void *data, const struct acme_ca *ca)
{
	if (!ca->is_test)
		fleet_account_changed(data, ca->name);
}

struct runner *runner_new(struct fleet *fleet, struct acme *acme)
{
	struct runner *runner = mem_new(struct runner);

	runner->fleet = fleet;
	runner->acme = acme;
	if (acme) {
		acme->changed = account_changed;
		acme->changed_data = fleet;
	}
	list_init(&runner->jobs);
	manners_init(&runner->manners);
	lanes_init(runner);
	targets_init(&runner->targets, fleet->loop, fleet->keeper);
	runner->follower.on_due = on_due;
	runner->follower.on_gather = on_gather;
	runner->follower.on_leave = on_leave;
	fleet->acme = acme;
	fleet_follow(fleet, &runner->follower);
	return runner;
}

void runner_free(struct runner *runner)
{
	if (!runner)
		return;
	list_remove(&runner->follower.link);
	runner->fleet->acme = NULL;
	lanes_done(runner);
	targets_done(&runner->targets);
	fleet_drop_reservations(runner->fleet);
	manners_done(&runner->manners);
	free(runner->dns_purses);
	free(runner);
}

int runner_fail_busy(const struct cert *cert, struct err *err)
{
	return err_set(err, ERR_BUSY, "%s has job %s already (%s)", cert->conf->name,
		cert->job->number_text, cert->job->verb);
}

struct job *runner_start(struct runner *runner, enum job_kind kind, struct cert *cert,
	const struct job_options *options, struct err *err)
{
	if (cert->job) {
		runner_fail_busy(cert, err);
		return NULL;
	}
	if (!cert->conf->is_active || runner->is_stopping) {
		err_set(err, ERR_INACTIVE, "%s is configured as not active", cert->conf->name);
		return NULL;
	}
	fleet_let_go(cert);
	return start(runner, kind, cert, options);
}

struct job *runner_find(const struct runner *runner, uint64_t number)
{
	list_each(at, &runner->jobs) {
		struct job *job = LIST_OF(at, struct job, link);

		if (job->number == number)
			return job;
	}
	return NULL;
}

/* Before the jobs end, or the plan would start them again in that moment. */
static void hold(struct runner *runner, const struct job *cancelled)
{
	list_each(at, &runner->jobs) {
		struct job *job = LIST_OF(at, struct job, link);

		if (job->cert && (job == cancelled || job->batch == cancelled))
			fleet_hold(runner->fleet, job->cert);
	}
}

int runner_cancel(struct runner *runner, uint64_t number, struct err *err)
{
	struct job *job = runner_find(runner, number);

	if (!job)
		return err_set(err, ERR_NO_SUCH_JOB, "no job with the number %llu is running",
			(unsigned long long)number);
	hold(runner, job);
	task_cancel(&job->task, "cancelled by an operator");
	return 0;
}

void runner_stop(struct runner *runner, void (*idle)(void *data), void *data)
{
	runner->is_stopping = true;
	runner->idle = idle;
	runner->idle_data = data;
	list_each(at, &runner->jobs)
		task_cancel(&LIST_OF(at, struct job, link)->task, "the daemon stops");
	if (runner->n_jobs == 0)
		idle(data);
}
