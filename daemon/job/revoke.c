/* SPDX-License-Identifier: MIT */
#include "daemon/job/revoke.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/cert/target.h"
#include "daemon/conf/conf.h"
#include "daemon/job/failure.h"
#include "daemon/job/kinds.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static struct revoke *revoke_new(
	const struct cert *cert, const struct revoke_wish *wish, bool is_curr)
{
	struct revoke *r = mem_new(struct revoke);

	r->cert = mem_strdup(cert->conf->name);
	r->id = wish->version;
	version_id_text(&r->id, r->version);
	r->is_curr = is_curr;
	r->is_now = wish->is_now;
	memcpy(r->spki, cert->facts.curr.spki, sizeof(r->spki));
	r->revocation.cert = r->cert;
	r->revocation.version = r->version;
	r->revocation.reason = wish->reason;
	r->revocation.is_now = wish->is_now;
	r->job.about = r->cert;
	r->job.log_cert = (struct log_field){ "CERT", r->cert, NULL };
	return r;
}

/* `taken`: the certificate, which is then the job's alone; or NULL. */
static struct job *start(struct runner *runner, const struct cert *cert,
	const struct revoke_wish *wish, struct cert *taken)
{
	bool is_curr = version_id_equal(&wish->version, &cert->facts.curr.id);
	struct revoke *revoke = revoke_new(cert, wish, is_curr);

	runner_add(runner, &revoke->job, JOB_REVOKE, taken);
	revoke->job.task.log.up = &revoke->job.log_cert;
	runner_begin(&revoke->job);
	return &revoke->job;
}

struct job *revoke_start(struct runner *runner, const struct revoke_wish *wish, struct err *err)
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
	if (runner_has_same(runner, JOB_REVOKE, wish->cert, err))
		return NULL;
	return start(runner, cert, wish, NULL);
}

/* The plan goes on with what is noted as a fact. */
struct job *revoke_due(struct runner *runner, struct cert *cert)
{
	const struct revocation_facts *noted = &cert->facts.revocation;
	struct revoke_wish wish = {
		.cert = cert->conf->name, .version = noted->of, .reason = (int)noted->reason
	};

	return start(runner, cert, &wish, cert);
}

void revoke_done(struct job *job)
{
	struct revoke *revoke = CONTAINER_OF(job, struct revoke, job);

	revocation_done(&revoke->revocation);
	acme_ca_release(revoke->ca);
	free(revoke->cert);
}

static struct cert *find(const struct revoke *r)
{
	return fleet_find(r->job.runner->fleet, r->cert);
}

static void hold(struct revoke *r)
{
	struct cert *cert = find(r);

	if (cert && r->is_curr)
		fleet_hold(r->job.runner->fleet, cert);
}

static void ask(struct revoke *r, enum request request)
{
	keeper_request(&r->job.keeper, request);
	line_add(&r->job.keeper.text, "cert", r->cert);
}

static void ask_versions(struct revoke *r)
{
	job_step(&r->job, "look");
	hold(r);
	ask(r, REQUEST_versions);
	keeper_ask(r->job.runner->fleet->keeper, &r->job.task, &r->job.keeper);
}

static int take_ca(struct revoke *r, const char *name, struct err *err)
{
	const struct ca_conf *ca = name ? conf_ca(r->job.conf, name) : NULL;

	if (!ca)
		return err_set(err, ERR_CA_REFUSED,
			"the CA of %s, %.100s, is none of the configuration", r->version,
			name ? name : "unknown");
	if (ca->type != CA_ACME)
		return err_set(err, ERR_CA_REFUSED,
			"%s came from the local CA %s, which revokes nothing; renew and roll with "
			"--force replace it",
			r->version, name);
	r->ca = acme_ca(r->job.runner->acme, ca, false);
	return 0;
}

/* One of the keeper's rows: 1 when it is that of the version. */
static int take_row(struct revoke *r, const char *row, size_t len, struct err *err)
{
	struct line line CLEANUP(line_done) = { 0 };
	const char *version;

	if (line_parse_copy(&line, row, len, len, err) < 0)
		return -1;
	version = line_get(&line, "version");
	if (!version || !str_is(version, r->version))
		return 0;
	r->was_revoked = line_get(&line, "revoked") != NULL;
	return take_ca(r, line_get(&line, "ca"), err) < 0 ? -1 : 1;
}

static int take_versions(struct revoke *r, struct err *err)
{
	const char *row = r->job.keeper.answer.rows;

	while (row && *row) {
		size_t len = strcspn(row, "\n");
		int found = len ? take_row(r, row, len, err) : 0;

		if (found)
			return found < 0 ? -1 : 0;
		row += len + (row[len] == '\n');
	}
	return err_set(err, ERR_NO_SUCH_VERSION, "%s has no version %s", r->cert, r->version);
}

static void ask_doom(struct revoke *r, bool is_done)
{
	ask(r, REQUEST_doom);
	line_add(&r->job.keeper.text, "version", r->version);
	if (is_done)
		line_add_bool(&r->job.keeper.text, "done", true);
	else
		line_add_int(&r->job.keeper.text, "reason", r->revocation.reason);
}

static void note_wish(struct revoke *r)
{
	hold(r);
	ask_doom(r, false);
	keeper_ask_firm(r->job.runner->fleet->keeper, &r->job.task, &r->job.keeper);
}

static void forget_wish(struct revoke *r)
{
	ask_doom(r, true);
	keeper_ask_soft(r->job.runner->fleet->keeper, &r->job.task, &r->job.keeper);
}

static bool is_noted(const struct revoke *r)
{
	const struct cert *cert = find(r);

	return cert && version_id_equal(&cert->facts.revocation.of, &r->id);
}

/*
 * Is it certain that the CA will not be told (again): it was told, it refuses, or an operator
 * cancelled?
 */
static bool is_over(const struct revoke *r)
{
	enum err_class class = err_code_class(r->job.task.err.code);

	if (class == CLASS_CANCELLED)
		return !r->job.runner->is_stopping;
	if (r->is_replacing)
		return false;
	return class == CLASS_NONE || class == CLASS_REFUSED || class == CLASS_CONFIG;
}

static void tell(struct revoke *r)
{
	job_step(&r->job, "revoke");
	revocation_start(&r->revocation, r->ca, &r->job.task);
}

static void note(struct revoke *r)
{
	struct log_field version = { "VERSION", r->version, &r->job.task.log };

	log_event(&version, EVENT_CERT_REVOKED, NULL, "%s: the CA %s revoked the version %s",
		r->cert, r->ca->name, r->version);
	hold(r);
	ask(r, REQUEST_revoked);
	line_add(&r->job.keeper.text, "version", r->version);
	keeper_ask_firm(r->job.runner->fleet->keeper, &r->job.task, &r->job.keeper);
}

static void child_ended(struct task *task)
{
	struct job *child = TASK_OF(task, struct job);
	struct revoke *r = CONTAINER_OF(child->batch, struct revoke, job);
	struct err err = task->err;

	hold(r);
	r->child = NULL;
	runner_end(child);
	op_end(&r->wait, &err);
}

static void cancel_child(struct op *op)
{
	struct revoke *r = CONTAINER_OF(op, struct revoke, wait);

	task_cancel(&r->child->task, "its revocation was cancelled");
}

static void run_child(struct revoke *r, enum job_kind kind)
{
	struct job_options options = { .is_forced = true, .wants_new_key = true };
	struct cert *cert = find(r);
	struct err err = ERR_INIT;

	job_step(&r->job, job_kinds[kind].text);
	op_begin(&r->wait, &r->job.task, cancel_child);
	if (cert)
		r->child = runner_start(r->job.runner, kind, cert, &options, &err);
	else
		err_set(&err, ERR_NO_SUCH_CERT, "%s left the configuration", r->cert);
	if (!r->child) {
		op_end(&r->wait, &err);
		return;
	}
	r->child->batch = &r->job;
	r->child->task.done = child_ended;
}

/* An order in flight that was resumed may be on the old key. */
static int check_key(const struct revoke *r, struct err *err)
{
	const struct cert *cert = find(r);

	if (cert && version_is_set(&cert->facts.next.id) &&
		memcmp(cert->facts.next.spki, r->spki, sizeof(r->spki)) != 0)
		return 0;
	return err_set(err, ERR_BAD_KEY,
		"the new version of %s has the key of the old one, so nothing was revoked; try "
		"again",
		r->cert);
}

/* NULL also when the certificate left the configuration. */
static const struct target_conf *laggard(const struct revoke *r)
{
	const struct cert *cert = find(r);

	return cert ? target_laggard(cert->conf, r->job.runner->fleet->conf, &cert->facts)
		    : NULL;
}

static int check_deployed(const struct revoke *r, struct err *err)
{
	const struct target_conf *target = laggard(r);

	if (!target)
		return 0;
	return err_set(err, ERR_CHECK_FAILED,
		"the target %s does not have the new version of %s", target->name, r->cert);
}

static bool must_tell(const struct revoke *r, bool is_replaced)
{
	return !r->was_revoked && is_replaced == (r->is_curr && !r->is_now);
}

static void keep_failure(struct revoke *r)
{
	struct cert *cert = find(r);

	if (!job_has_failed(&r->job) || r->is_replacing || !is_noted(r))
		return;
	cert->facts.revocation.failure =
		failure_next(&cert->facts.revocation.failure, 0, &r->job.task.err, clock_now());
	cert->facts.revocation.failure.text = NULL;
}

/* A cancelled certificate is left alone; after anything else the plan goes on. */
static void let_go(struct revoke *r)
{
	struct cert *cert = find(r);

	keep_failure(r);
	if (!cert || r->job.task.err.code == ERR_CANCELLED)
		return;
	if (r->is_curr)
		fleet_let_go(cert);
	fleet_look(r->job.runner->fleet, cert);
}

void revoke_run(struct task *task)
{
	struct revoke *r = CONTAINER_OF(TASK_OF(task, struct job), struct revoke, job);

	TASK_BEGIN(task)
	AWAIT(ask_versions(r));
	TRY(take_versions(r, &task->err));
	if (!r->was_revoked) {
		AWAIT(note_wish(r));
		TRY(job_take_facts(&r->job));
	}
	if (must_tell(r, false)) {
		AWAIT(tell(r));
		AWAIT(note(r));
		TRY(job_take_facts(&r->job));
	}
	if (!r->is_curr)
		FINISH();
	r->is_replacing = true;
	AWAIT(run_child(r, JOB_ISSUE));
	TRY(check_key(r, &task->err));
	AWAIT(run_child(r, JOB_ROLL));
	if (laggard(r))
		AWAIT(run_child(r, JOB_DEPLOY));
	TRY(check_deployed(r, &task->err));
	r->is_replacing = false;
	if (must_tell(r, true)) {
		AWAIT(tell(r));
		AWAIT(note(r));
		TRY(job_take_facts(&r->job));
	}
	FINALLY
	/* Facts of requests that were under way at the cancellation. */
	job_take_late_facts(&r->job);
	if (is_noted(r) && is_over(r)) {
		AWAIT(forget_wish(r));
		job_take_late_facts(&r->job);
	}
	let_go(r);
	TASK_END
}
