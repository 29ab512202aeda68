/* SPDX-License-Identifier: MIT */
#include "daemon/job/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/job/batch.h"
#include "daemon/job/dns_check.h"
#include "daemon/job/lane.h"
#include "daemon/job/publish_all.h"
#include "daemon/job/rekey.h"
#include "daemon/job/revoke.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/key.h"

static const struct {
	const char *text;
	void (*run)(struct task *task);
} kinds[] = {
	[JOB_ISSUE] = { "issue", issue_run },
	[JOB_ROLL] = { "roll", roll_run },
	[JOB_DEPLOY] = { "deploy", deploy_run },
	[JOB_BATCH] = { "batch", batch_run },
	[JOB_ROLLOVER] = { "rollover", rekey_run },
	[JOB_REVOKE] = { "revoke", revoke_run },
	[JOB_PUBLISH] = { "publish", publish_all_run },
	[JOB_DNS_CHECK] = { "dns-check", dns_check_run },
};

const char *job_kind_text(enum job_kind kind)
{
	return kinds[kind].text;
}

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
	deploying_done(&job->deploying);
	order_done(&job->order);
	if (job->kind == JOB_BATCH)
		batch_done(CONTAINER_OF(job, struct batch, job));
	if (job->kind == JOB_ROLLOVER)
		rekey_done(CONTAINER_OF(job, struct rekey, job));
	if (job->kind == JOB_REVOKE)
		revoke_done(CONTAINER_OF(job, struct revoke, job));
	if (job->kind == JOB_PUBLISH)
		publish_all_done(CONTAINER_OF(job, struct publish_all, job));
	if (job->kind == JOB_DNS_CHECK)
		dns_check_done(CONTAINER_OF(job, struct dns_check, job));
	conf_unref(job->conf);
	free(job);
}

/* The last word of every job, children of batches included. */
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
		job->verb = kinds[kind].text;
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
	task_start(&job->task, runner->fleet->loop, kinds[kind].run, root_ended);
	return job;
}

/* Is such a job about the same thing at work? */
static bool find_same(
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

static struct job *start_revoke(struct runner *runner, struct cert *cert,
	const struct revoke_wish *wish, struct cert *taken)
{
	bool is_curr = version_id_equal(&wish->version, &cert->facts.curr.id);
	struct revoke *revoke = revoke_new(cert, wish, is_curr);

	runner_add(runner, &revoke->job, JOB_REVOKE, taken);
	revoke->job.task.log.up = &revoke->job.log_cert;
	task_start(&revoke->job.task, runner->fleet->loop, revoke_run, root_ended);
	return &revoke->job;
}

static void start_due(struct runner *runner, struct cert *cert, enum job_kind kind, bool is_try)
{
	const struct revocation_facts *noted = &cert->facts.revocation;
	struct revoke_wish wish = {
		.cert = cert->conf->name, .version = noted->of, .reason = (int)noted->reason
	};

	if (kind == JOB_REVOKE)
		start_revoke(runner, cert, &wish, cert);
	else
		start(runner, kind, cert, &(struct job_options){ .is_try = is_try });
}

/* An operator's revocation has the certificate between its children, too. */
static bool is_taken(const struct runner *runner, const struct cert *cert)
{
	struct err ignored;

	return cert->job || (version_is_set(&cert->facts.revocation.of) &&
				    find_same(runner, JOB_REVOKE, cert->conf->name, &ignored));
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
	runner->dns_purses = mem_new(struct dns_purses);
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

struct job *runner_start_batch(struct runner *runner, enum job_kind kind,
	struct cert *const *certs, size_t n, const struct job_options *options)
{
	struct batch *batch = batch_new(kind, certs, n, options);

	batch->job.verb = kinds[kind].text;
	runner_add(runner, &batch->job, JOB_BATCH, NULL);
	task_start(&batch->job.task, runner->fleet->loop, batch_run, root_ended);
	return &batch->job;
}

struct job *runner_start_rollover(
	struct runner *runner, const struct ca_conf *ca, struct err *err)
{
	struct rekey *rekey;

	if (!runner->acme || runner->is_stopping) {
		err_set(err, ERR_CA_DOWN, "no CA can be asked now");
		return NULL;
	}
	rekey = rekey_new(runner, ca);
	if (find_same(runner, JOB_ROLLOVER, rekey->about, err)) {
		rekey_done(rekey);
		free(rekey);
		return NULL;
	}
	runner_add(runner, &rekey->job, JOB_ROLLOVER, NULL);
	task_start(&rekey->job.task, runner->fleet->loop, rekey_run, root_ended);
	return &rekey->job;
}

struct job *runner_start_revoke(
	struct runner *runner, const struct revoke_wish *wish, struct err *err)
{
	struct cert *cert = fleet_find(runner->fleet, wish->cert);

	if (!runner->acme || runner->is_stopping) {
		err_set(err, ERR_CA_DOWN, "no CA can be asked now");
		return NULL;
	}
	if (cert->job) {
		runner_fail_busy(cert, err);
		return NULL;
	}
	if (find_same(runner, JOB_REVOKE, wish->cert, err))
		return NULL;
	return start_revoke(runner, cert, wish, NULL);
}

struct job *runner_start_publish(
	struct runner *runner, struct publish_all *all, struct err *err)
{
	bool is_same = find_same(runner, JOB_PUBLISH, all->job.about, err);

	if (runner->is_stopping)
		err_set(err, ERR_BUSY, "the daemon ends");
	if (is_same || runner->is_stopping) {
		publish_all_done(all);
		free(all);
		return NULL;
	}
	runner_add(runner, &all->job, JOB_PUBLISH, NULL);
	task_start(&all->job.task, runner->fleet->loop, publish_all_run, root_ended);
	return &all->job;
}

struct job *runner_start_dns_check(
	struct runner *runner, const struct dns_check_wish *wish, struct err *err)
{
	struct dns_check *check;

	if (!runner->acme || runner->is_stopping) {
		err_set(err, ERR_DNS, "no name server can be asked now");
		return NULL;
	}
	if (dns_check_admit(&runner->jobs, wish, err) < 0)
		return NULL;
	check = dns_check_new(runner->acme->zones, runner->dns_purses, wish);
	runner_add(runner, &check->job, JOB_DNS_CHECK, NULL);
	task_start(&check->job.task, runner->fleet->loop, dns_check_run, root_ended);
	return &check->job;
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
