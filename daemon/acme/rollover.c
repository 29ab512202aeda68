/* SPDX-License-Identifier: MIT */
#include "daemon/acme/rollover.h"

#include "lib/log/log.h"

enum { ROLLOVER_MS = 2 * 60 * 1000 };

static void promote(
	struct acme_ca *ca, struct task *task, struct keeper_op *keeper, const char *which)
{
	keeper_request(keeper, REQUEST_account);
	line_add(&keeper->text, "ca", ca->name);
	if (ca->is_test)
		line_add_bool(&keeper->text, "test", true);
	line_add(&keeper->text, "promote", which);
	keeper_ask(ca->acme->keeper, task, keeper);
}

static void find_account(struct settling *s, bool of_candidate)
{
	post_begin(&s->post, s->ca, SIGN_FIND_ACCOUNT, s->ca->directory.new_account);
	if (of_candidate)
		line_add(&s->post.words, "key", "candidate");
	s->post.deadline = post_deadline(ROLLOVER_MS);
	post_send_soft(&s->post, &s->task);
}

/* Anything but a plain yes or no leaves the question open. */
static int answered(const struct settling *s, struct err *err)
{
	if (!err_is_set(&s->post.err) || s->post.problem.kind == PROBLEM_ACCOUNT_GONE)
		return 0;
	*err = s->post.err;
	return -1;
}

static void settle_run(struct task *task)
{
	struct settling *s = TASK_OF(task, struct settling);

	TASK_BEGIN(task)
	AWAIT(find_account(s, true));
	TRY(answered(s, &task->err));
	s->holds_candidate = !err_is_set(&s->post.err);
	if (!s->holds_candidate) {
		AWAIT(find_account(s, false));
		TRY(answered(s, &task->err));
	}
	AWAIT(promote(s->ca, task, &s->keeper, s->holds_candidate ? "candidate" : "old"));
	FINALLY
	TASK_END
}

void settling_start(struct settling *settling, struct acme_ca *ca, struct task *parent)
{
	settling->ca = ca;
	settling->holds_candidate = false;
	task_start_child(&settling->task, parent, settle_run);
}

void settling_done(struct settling *settling)
{
	post_done(&settling->post);
	keeper_op_done(&settling->keeper);
}

static void change_key(struct rollover *r)
{
	post_begin(&r->post, r->ca, SIGN_KEY_CHANGE, r->ca->directory.key_change);
	r->post.deadline = post_deadline(ROLLOVER_MS);
	post_send_soft(&r->post, &r->task);
}

static void rollover_run(struct task *task)
{
	struct rollover *r = TASK_OF(task, struct rollover);

	TASK_BEGIN(task)
	AWAIT(account_open(r->ca, task, &r->account));
	if (!r->ca->directory.key_change)
		FAIL(ERR_CA_REFUSED, "the CA %s does not change keys of accounts", r->ca->name);
	AWAIT(change_key(r));
	if (err_is_set(&r->post.err)) {
		AWAIT(settling_start(&r->settling, r->ca, task));
		if (!r->settling.holds_candidate) {
			task->err = r->post.err;
			FINISH();
		}
	} else {
		AWAIT(promote(r->ca, task, &r->keeper, "candidate"));
	}
	log_event(&task->log, EVENT_ACME_ACCOUNT, NULL,
		"the account %s of the CA %s has a new key", r->ca->account_url, r->ca->name);
	FINALLY
	if (err_is_set(&task->err))
		r->ca->was_checked = false;
	TASK_END
}

void rollover_start(struct rollover *rollover, struct acme_ca *ca, struct task *parent)
{
	rollover->ca = ca;
	task_start_child(&rollover->task, parent, rollover_run);
}

void rollover_done(struct rollover *rollover)
{
	settling_done(&rollover->settling);
	post_done(&rollover->post);
	keeper_op_done(&rollover->keeper);
}
