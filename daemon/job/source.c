/* SPDX-License-Identifier: MIT */
#include "daemon/job/source.h"

#include "daemon/acme/account.h"
#include "daemon/acme/health.h"
#include "daemon/acme/refusal.h"
#include "daemon/cert/ca_choice.h"
#include "daemon/conf/index.h"
#include "daemon/job/job.h"
#include "daemon/job/manners.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/log/log.h"

enum { TRIED_MAX = 64 };

/* As the job began with it. */
static const struct cert_conf *cert(const struct job *job)
{
	return conf_cert(job->conf, job->cert->conf->name);
}

/* NULL: a local one, or the certificate itself. */
static const struct ca_conf *acme_at(const struct job *job, size_t i)
{
	return cert_conf_nth_acme(job->conf, cert(job), i);
}

static bool was_tried(const struct job *job, size_t i)
{
	return job->tried >> i & 1;
}

/* The keeper chooses among the local ones, so that one answer speaks for all. */
static void note_tried(struct job *job, size_t i)
{
	const struct cert_conf *conf = cert(job);

	job->tried |= UINT64_C(1) << i;
	for (size_t k = 0; !acme_at(job, i) && k < conf->n_cas && k < TRIED_MAX; k++)
		if (!acme_at(job, k))
			job->tried |= UINT64_C(1) << k;
}

/* The answer of the next CA in the list may help, but the first reason stays. */
static bool refuse(struct job *job, const struct err *err)
{
	if (!err_is_set(&job->failed))
		job->failed = *err;
	return false;
}

static bool is_late(const struct job *job)
{
	struct plan plan = fleet_plan(job->runner->fleet, job->cert);

	return instant_is_set(plan.reserve) && !instant_before(clock_now(), plan.reserve);
}

/* One that is not known yet has not failed either. */
static bool is_allowed(struct job *job, const struct ca_conf *conf)
{
	struct acme_ca *ca;
	struct err err;
	/* Where the end is near the limit is asked again as soon as it opens. */
	bool wants_turn = !is_late(job);

	if (job->is_test && !conf->acme->staging) {
		err_set(&err, ERR_BAD_CONFIG, "the CA %s has no staging directory", conf->name);
		return refuse(job, &err);
	}
	ca = acme_ca_find(job->runner->acme, conf, job->is_test);
	if (ca && refusal_holds(ca) && !job->is_forced) {
		refusal_err(ca, &err);
		return refuse(job, &err);
	}
	if (ca && job->is_forced)
		account_insist(ca);
	if (!job->is_test && manners_check(&job->runner->manners, job->conf, job->cert, conf,
				     job->is_forced, wants_turn, &err) < 0)
		return refuse(job, &err);
	if (ca && !job->is_forced &&
		!health_allows(&ca->health, conf->name, clock_tick(), clock_now(), &err))
		return refuse(job, &err);
	manners_reserve(job, conf);
	return true;
}

/* A local CA has no other place to try things out. */
static bool is_local_allowed(struct job *job)
{
	struct err err;

	if (!job->is_test)
		return true;
	err_set(&err, ERR_BAD_CONFIG, "a local CA has no staging directory");
	return refuse(job, &err);
}

static size_t place_with_order(const struct job *job)
{
	return ca_with_order(cert(job), job->conf, &job->cert->facts);
}

static bool find_order(struct job *job)
{
	size_t n = place_with_order(job);

	if (n >= cert(job)->n_cas || n >= TRIED_MAX)
		return false;
	job->ca = n;
	manners_reserve(job, acme_at(job, n));
	return true;
}

/* One that was down is taken only when no other can be. */
static bool is_back(const struct job *job, const struct ca_conf *conf)
{
	const struct acme_ca *ca = acme_ca_find(job->runner->acme, conf, false);

	return ca && !job->is_forced && !job->is_test &&
	       health_state(&ca->health, clock_tick()) == CA_BACK;
}

static bool find_next_of(struct job *job, bool of_those_back)
{
	for (size_t i = 0; i < cert(job)->n_cas && i < TRIED_MAX; i++) {
		const struct ca_conf *acme = acme_at(job, i);

		if (was_tried(job, i) || (acme && is_back(job, acme)) != of_those_back)
			continue;
		job->ca = i;
		if (acme ? is_allowed(job, acme) : is_local_allowed(job))
			return true;
		note_tried(job, i);
	}
	return false;
}

static bool find_next(struct job *job)
{
	return find_next_of(job, false) || find_next_of(job, true);
}

/* The result of the CA that was asked last; the facts of a local one go to the fleet. */
static void take_result(struct job *job)
{
	struct cert_facts facts;

	if (acme_at(job, job->ca)) {
		if (job->order.was_replacing_refused)
			job->cert->unreplaced = job->cert->facts.curr.id;
		job->failed = job->order.err;
		job->may_fail_over = order_may_fail_over(&job->order);
		return;
	}
	job->failed = job->keeper.err;
	job->may_fail_over = job->failed.code == ERR_NO_ISSUER;
	if (err_is_set(&job->failed) || keeper_facts(&job->keeper, &facts, &job->failed) < 0)
		return;
	keeper_op_done(&job->keeper);
	job_tell_recovery(job);
	fleet_take_facts(job->runner->fleet, &facts);
}

bool source_next(struct job *job)
{
	bool is_first = job->tried == 0;
	struct err failed;

	if (is_first && !job->is_test && find_order(job)) {
		note_tried(job, job->ca);
		return true;
	}
	if (!is_first) {
		take_result(job);
		manners_release(job);
		if (!err_is_set(&job->failed) || !job->may_fail_over)
			return false;
	}
	failed = job->failed;
	if (!find_next(job))
		return false;
	note_tried(job, job->ca);
	if (err_is_set(&job->failed))
		log_event(&job->task.log, EVENT_ACME_FAILOVER,
			err_is_set(&failed) ? &failed : &job->failed,
			"%s: another CA of the list is asked", job->cert->conf->name);
	return true;
}

static void step(void *data, const char *text)
{
	job_step(data, text);
}

static void take(void *data, struct cert_facts *facts)
{
	struct job *job = data;

	/* The plan does not see the test tree. */
	if (job->is_test) {
		facts_done(facts);
		return;
	}
	if (facts->failure.code == ERR_NONE)
		job_tell_recovery(job);
	fleet_take_facts(job->runner->fleet, facts);
	if (job->cert->facts.order.url)
		manners_note_order(job);
}

void source_ask(struct job *job)
{
	const struct ca_conf *acme = acme_at(job, job->ca);
	const struct cert_facts *facts = &job->cert->facts;
	struct order_args args = { .acme = job->runner->acme, .conf = job->conf };

	if (!acme) {
		job_step(job, "issue");
		job_try(job, REQUEST_issue);
		return;
	}
	args.cert = cert(job)->name;
	args.ca = cert_conf_ca(cert(job), job->ca);
	args.reuse_key = job->reuse_key;
	args.is_forced = job->is_forced;
	args.is_certain = !job->is_try;
	args.ends = cert_deadline(facts, ACTION_ISSUE, clock_now());
	/* The keeper names no version to a staging directory (daemon/keeper/serve/signing.c). */
	args.is_renewal = !job->is_test && version_is_set(&facts->curr.id) &&
			  facts->curr.ca == facts_ca(acme->name) &&
			  !version_id_equal(&job->cert->unreplaced, &facts->curr.id);
	args.is_test = job->is_test;
	/* A batch is one wish, for which each thing is looked at once. */
	if (job->is_forced)
		args.doubted = (job->batch ? job->batch : job)->begun;
	if (!job->is_test && place_with_order(job) == job->ca) {
		args.resume = facts->order.url;
		args.resume_at = facts->order.at;
	} else if (facts->order.url) {
		args.abandoned = facts->order.ca;
	}
	args.is_soft = true;
	args.step = step;
	args.take = take;
	args.data = job;
	order_start(&job->order, &job->task, &args);
}

bool source_was_order(const struct job *job)
{
	return acme_at(job, job->ca) != NULL;
}

int source_result(struct job *job)
{
	if (!err_is_set(&job->failed))
		return 0;
	job->task.err = job->failed;
	return -1;
}
