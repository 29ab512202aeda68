/* SPDX-License-Identifier: MIT */
#include "daemon/acme/revocation.h"

#include "lib/log/log.h"

enum { REVOCATION_MS = 2 * 60 * 1000, FORBIDDEN = 403 };

static void tell(struct revocation *r, bool with_cert_key)
{
	struct buf *words = &r->post.words;

	post_begin(&r->post, r->ca, SIGN_REVOKE, r->ca->directory.revoke_cert);
	line_add(words, "cert", r->cert);
	line_add(words, "version", r->version);
	line_add_int(words, "reason", r->reason);
	if (r->is_now)
		line_add_bool(words, "now", true);
	if (with_cert_key)
		line_add(words, "with", "cert-key");
	r->post.deadline = post_deadline(REVOCATION_MS);
	post_send_soft(&r->post, &r->task);
}

static bool is_revoked(const struct revocation *r)
{
	return !err_is_set(&r->post.err) || r->post.problem.kind == PROBLEM_REVOKED;
}

/* RFC 8555, 7.6: "unauthorized"; not every CA calls it so. */
static bool is_not_ours(const struct revocation *r)
{
	return r->post.problem.kind == PROBLEM_UNAUTHORIZED ||
	       r->post.problem.kind == PROBLEM_ACCOUNT_GONE ||
	       r->post.problem.status == FORBIDDEN;
}

static void run(struct task *task)
{
	struct revocation *r = TASK_OF(task, struct revocation);

	TASK_BEGIN(task)
	AWAIT(account_open(r->ca, task, &r->account));
	if (!r->ca->directory.revoke_cert)
		FAIL(ERR_CA_REFUSED, "the CA %s revokes no certificates", r->ca->name);
	AWAIT(tell(r, false));
	if (!is_revoked(r) && is_not_ours(r)) {
		log_debug(&task->log, "%s", r->post.err.text);
		AWAIT(tell(r, true));
	}
	if (!is_revoked(r))
		task->err = r->post.err;
	FINALLY
	TASK_END
}

void revocation_start(struct revocation *revocation, struct acme_ca *ca, struct task *parent)
{
	revocation->ca = ca;
	task_start_child(&revocation->task, parent, run);
}

void revocation_done(struct revocation *revocation)
{
	post_done(&revocation->post);
}
