/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/ctl/deferred.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/rows.h"
#include "daemon/ctl/select.h"
#include "daemon/job/runner.h"
#include "lib/base/mem.h"

struct discard {
	struct deferred deferred;
	char *name;                  /* of the certificate */
	struct version_id discarded; /* its next version when the request came */
};

static int take_facts(struct discard *discard, struct err *err)
{
	struct deferred *deferred = &discard->deferred;
	struct cert_facts facts;

	if (err_is_set(&deferred->task.err)) {
		*err = deferred->task.err;
		return -1;
	}
	if (keeper_facts(&deferred->op, &facts, err) < 0)
		return -1;
	fleet_take_facts(deferred->ctl->fleet, &facts);
	return 0;
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct deferred *deferred = CONTAINER_OF(answer, struct deferred, answer);
	struct discard *discard = CONTAINER_OF(deferred, struct discard, deferred);
	const struct cert *cert;
	struct plan plan;
	struct buf *row;

	if (deferred->is_running)
		return ANSWER_WAIT;
	if (take_facts(discard, err) < 0)
		return ANSWER_END;
	row = session_row(answer->session);
	line_add(row, "cert", discard->name);
	rows_add_version(row, "discarded", &discard->discarded);
	cert = fleet_find(deferred->ctl->fleet, discard->name);
	if (cert) {
		plan = fleet_plan(deferred->ctl->fleet, cert);
		rows_add_plan(row, &plan);
	}
	line_end(row);
	return ANSWER_END;
}

static void discard_free(struct deferred *deferred)
{
	struct discard *discard = CONTAINER_OF(deferred, struct discard, deferred);

	free(discard->name);
	free(discard);
}

/* A job may be about to use the next version, so that it is discarded between jobs only. */
static int check(const struct cert *cert, struct err *err)
{
	if (cert->job)
		return runner_fail_busy(cert, err);
	if (!version_is_set(&cert->facts.next.id))
		return err_set(err, ERR_NO_NEXT, "%s has no next version to discard",
			cert->conf->name);
	return 0;
}

int cmd_discard(struct session *session, struct err *err)
{
	const struct cert *cert = select_one(session->ctl->fleet, &session->request, err);
	struct discard *discard;

	if (!cert || check(cert, err) < 0)
		return -1;
	discard = mem_new(struct discard);
	discard->name = mem_strdup(cert->conf->name);
	discard->discarded = cert->facts.next.id;
	discard->deferred.ctl = session->ctl;
	discard->deferred.free = discard_free;
	session_answer(session, &discard->deferred.answer, next, deferred_release);
	keeper_request(&discard->deferred.op, REQUEST_discard);
	line_add(&discard->deferred.op.text, "cert", discard->name);
	deferred_start(&discard->deferred);
	return 0;
}
