/* SPDX-License-Identifier: MIT */
#include "daemon/acme/rollover.h"

#include "lib/log/log.h"

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
		AWAIT(rollover_recover_start(&r->recover, r->ca, task));
		if (!r->recover.holds_candidate) {
			task->err = r->post.err;
			FINISH();
		}
	} else {
		AWAIT(rollover_promote(r->ca, task, &r->keeper, "candidate"));
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
	rollover_recover_done(&rollover->recover);
	post_done(&rollover->post);
	keeper_op_done(&rollover->keeper);
}
