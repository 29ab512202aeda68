/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/failed_listeners.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/rows.h"
#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/fleet.h"
#include "lib/base/mem.h"

struct status {
	struct answer answer;
	struct selection selection;
};

static void add_row(struct session *session, const struct cert *cert)
{
	const struct fleet *fleet = session->ctl->fleet;
	const struct failure *failure = rows_failure(fleet->conf, cert);
	struct plan plan = fleet_plan(fleet, cert);
	struct buf *row = session_row(session);

	if (plan.why == WHY_ACCOUNT)
		failure = fleet_issuer(fleet, cert).refusal;
	line_add(row, "cert", cert->conf->name);
	if (cert->conf->n_cas)
		line_add(row, "ca", rows_held_ca(fleet->conf, cert));
	line_add(row, "health", health_text(fleet_health(fleet, cert, &plan)));
	rows_add_held(row, &cert->facts);
	rows_add_plan(row, &plan);
	if (failure) {
		rows_add_error(row, failure);
		line_add_int(row, "tries", failure->tries);
	}
	line_end(row);
}

/* Addresses that could not be bound belong to no certificate. */
static void add_listeners(struct session *session)
{
	const struct failed_listener *at = session->ctl->failed_listeners;

	for (; at; at = at->next) {
		struct buf *row = session_row(session);

		line_add(row, "kind", "listener");
		line_add(row, "listener", at->at);
		line_add(row, "challenge", at->challenge);
		line_add(row, "error_text", at->text);
		line_end(row);
	}
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct status *status = CONTAINER_OF(answer, struct status, answer);
	struct session *session = answer->session;
	struct cert *cert;

	switch (selection_next(&status->selection, session->ctl->fleet, &cert, err)) {
	case SELECTED_CERT:
		add_row(session, cert);
		return ANSWER_MORE;
	case SELECTED_NONE_YET:
		return ANSWER_MORE;
	case SELECTED_END:
		break;
	}
	if (session->request.n_args == 0)
		add_listeners(session);
	return ANSWER_END;
}

static void done(struct answer *answer)
{
	struct status *status = CONTAINER_OF(answer, struct status, answer);

	selection_done(&status->selection);
	free(status);
}

int cmd_status(struct session *session, struct err *err)
{
	struct selection selection;
	struct status *status;

	if (selection_init(&selection, session->ctl->fleet, &session->request, err))
		return -1;
	status = mem_new(struct status);
	status->selection = selection;
	session_answer(session, &status->answer, next, done);
	return 0;
}
