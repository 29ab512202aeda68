/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/work.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/rows.h"
#include "daemon/job/batch.h"
#include "lib/base/mem.h"

static void take(struct work *work, const char *name)
{
	if (work->n == work->size) {
		work->size = work->size ? work->size * 2 : 8;
		work->names = mem_grow(work->names, work->size, sizeof(char *));
	}
	work->names[work->n++] = mem_strdup(name);
}

static void add_row(struct session *session, const struct cert *cert, const struct plan *plan,
	bool is_overridden)
{
	struct buf *row = session_row(session);
	char until[INSTANT_TEXT_LEN], text[256];

	line_add(row, "cert", cert->conf->name);
	rows_add_plan(row, plan);
	if (is_overridden) {
		snprintf(text, sizeof(text), "--force overrides that %s, until %s",
			why_sentence(plan->why), instant_text(plan->at, until));
		line_add(row, "overrides", text);
	}
	if (cert->job)
		line_add(row, "job", cert->job->number_text);
	line_end(row);
}

bool work_can_take(const struct cert *cert)
{
	return !cert->job && cert->conf->is_active;
}

/*
 * A request for one certificate that has a job.  0: the job is answered, or there is nothing to
 * do. The plan begins a roll by itself as soon as an issue has ended, so that `renew --wait`
 * followed by `roll --wait` would meet that roll and fail, although what was asked for is
 * happening.
 */
static int join(
	struct work *work, const struct cert *cert, const struct plan *plan, struct err *err)
{
	const struct work_rules *rules = work->rules;

	if (rules->joins && cert->job->kind == rules->kind) {
		work->answer.session->job = cert->job->number;
		return 0;
	}
	if (rules->joins && rules->judge(work, cert, plan) == WORK_SKIP)
		return 0;
	return runner_fail_busy(cert, err);
}

/* -1: the request fails because of this certificate. */
static int judge(struct work *work, struct cert *cert, struct err *err)
{
	struct session *session = work->answer.session;
	bool is_single = selection_is_single(&work->selection), was_held = false;
	enum verdict verdict;
	struct plan plan;

	if (cert->job && is_single) {
		plan = fleet_plan(session->ctl->fleet, cert);
		return join(work, cert, &plan, err);
	}
	if (!cert->conf->is_active && is_single)
		return err_set(
			err, ERR_INACTIVE, "%s is configured as not active", cert->conf->name);
	if (work_can_take(cert)) {
		was_held = fleet_let_go(cert);
		was_held |= fleet_look_anew(cert);
	}
	plan = fleet_plan(session->ctl->fleet, cert);
	verdict = work->rules->judge(work, cert, &plan);
	if ((verdict == WORK_TAKE || verdict == WORK_TAKE_TELL) && work_can_take(cert)) {
		if (verdict == WORK_TAKE_TELL)
			add_row(session, cert, &plan, true);
		take(work, cert->conf->name);
		return 0;
	}
	if (verdict != WORK_SKIP)
		add_row(session, cert, &plan, false);
	if (was_held)
		fleet_look(session->ctl->fleet, cert);
	return 0;
}

static struct job *start_one(struct work *work, struct cert *cert, struct err *err)
{
	return runner_start(work->answer.session->ctl->runner, work->rules->kind, cert,
		&work->options, err);
}

static struct job *start_batch(struct work *work, struct cert *const *certs, size_t n)
{
	return batch_start(
		work->answer.session->ctl->runner, work->rules->kind, certs, n, &work->options);
}

/* Since they were judged some may have left or become busy; those are passed over. */
static void start(struct work *work, struct err *err)
{
	struct session *session = work->answer.session;
	struct cert **certs AUTO_FREE = mem_zalloc((work->n + 1) * sizeof(struct cert *));
	const struct job *job;
	size_t n = 0;

	for (size_t i = 0; i < work->n; i++) {
		struct cert *cert = fleet_find(session->ctl->fleet, work->names[i]);

		if (cert && work_can_take(cert))
			certs[n++] = cert;
	}
	if (n == 0)
		return;
	job = n == 1 ? start_one(work, certs[0], err) : start_batch(work, certs, n);
	if (job)
		session->job = job->number;
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct work *work = CONTAINER_OF(answer, struct work, answer);
	struct cert *cert;

	switch (selection_next(&work->selection, answer->session->ctl->fleet, &cert, err)) {
	case SELECTED_CERT:
		return judge(work, cert, err) ? ANSWER_END : ANSWER_MORE;
	case SELECTED_NONE_YET:
		return ANSWER_MORE;
	case SELECTED_END:
		break;
	}
	/* A pattern that matched nothing: better do nothing than a part. */
	if (err_is_set(err))
		return ANSWER_END;
	if (work->n)
		start(work, err);
	else if (!answer->session->job)
		work->rules->none(work, err);
	return ANSWER_END;
}

static void done(struct answer *answer)
{
	struct work *work = CONTAINER_OF(answer, struct work, answer);

	selection_done(&work->selection);
	for (size_t i = 0; i < work->n; i++)
		free(work->names[i]);
	free(work->names);
	free(work->held_name);
	free(work);
}

int work_begin(struct session *session, const struct work_rules *rules, struct err *err)
{
	struct selection selection;
	struct work *work;

	if (selection_init(&selection, session->ctl->fleet, &session->request, err))
		return -1;
	work = mem_new(struct work);
	work->selection = selection;
	work->rules = rules;
	work->options.is_forced = line_has(session->request.line, "--force");
	work->options.reuse_key = line_has(session->request.line, "--reuse-key");
	work->options.is_test = line_has(session->request.line, "--test");
	session_answer(session, &work->answer, next, done);
	if (session->ctl->look_anew)
		session->ctl->look_anew(session->ctl->data);
	return 0;
}
