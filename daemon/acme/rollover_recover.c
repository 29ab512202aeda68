/* SPDX-License-Identifier: MIT */
#include "daemon/acme/rollover_recover.h"

void rollover_promote(
	struct acme_ca *ca, struct task *task, struct keeper_op *keeper, const char *which)
{
	keeper_request(keeper, REQUEST_account);
	line_add(&keeper->text, "ca", ca->name);
	if (ca->is_test)
		line_add_bool(&keeper->text, "test", true);
	line_add(&keeper->text, "promote", which);
	keeper_ask(ca->acme->keeper, task, keeper);
}

static void find_account(struct rollover_recover *s, bool of_candidate)
{
	post_begin(&s->post, s->ca, SIGN_FIND_ACCOUNT, s->ca->directory.new_account);
	if (of_candidate)
		line_add(&s->post.words, "key", "candidate");
	s->post.deadline = post_deadline(ROLLOVER_MS);
	post_send_soft(&s->post, &s->task);
}

/* Anything but a plain yes or no leaves the question open. */
static int answered(const struct rollover_recover *s, struct err *err)
{
	if (!err_is_set(&s->post.err) || s->post.problem.kind == PROBLEM_ACCOUNT_GONE)
		return 0;
	*err = s->post.err;
	return -1;
}

static void recover_run(struct task *task)
{
	struct rollover_recover *s = TASK_OF(task, struct rollover_recover);

	TASK_BEGIN(task)
	AWAIT(find_account(s, true));
	TRY(answered(s, &task->err));
	s->holds_candidate = !err_is_set(&s->post.err);
	if (!s->holds_candidate) {
		AWAIT(find_account(s, false));
		TRY(answered(s, &task->err));
	}
	AWAIT(rollover_promote(
		s->ca, task, &s->keeper, s->holds_candidate ? "candidate" : "old"));
	FINALLY
	TASK_END
}

void rollover_recover_start(
	struct rollover_recover *recover, struct acme_ca *ca, struct task *parent)
{
	recover->ca = ca;
	recover->holds_candidate = false;
	task_start_child(&recover->task, parent, recover_run);
}

void rollover_recover_done(struct rollover_recover *recover)
{
	post_done(&recover->post);
	keeper_op_done(&recover->keeper);
}
