/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/ctl/deferred.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/select.h"
#include "daemon/job/fleet.h"
#include "lib/base/mem.h"

/* One certificate after the other; one that fails does not keep the others from their turn. */
struct prune {
	struct deferred deferred;
	struct selection selection;
	int64_t keep; /* -1: as configured */
	char *name;   /* the certificate whose answer is awaited, or NULL */
	struct err first_err;
};

static void ask(struct prune *prune, const struct cert *cert)
{
	struct keeper_op *op = &prune->deferred.op;

	prune->name = mem_strdup(cert->conf->name);
	keeper_request(op, REQUEST_prune);
	line_add(&op->text, "cert", prune->name);
	line_add_int(&op->text, "keep", prune->keep < 0 ? cert->conf->keep : prune->keep);
	deferred_start(&prune->deferred);
}

static void tell(struct prune *prune)
{
	struct session *session = prune->deferred.answer.session;
	const struct err *err = &prune->deferred.task.err;
	struct buf *row = session_row(session);
	int64_t pruned = 0;
	struct err ignored = ERR_INIT;

	line_add(row, "cert", prune->name);
	if (err_is_set(err)) {
		line_add(row, "error", err_code_text(err->code));
		line_add(row, "error_text", err->text);
		if (!err_is_set(&prune->first_err))
			prune->first_err = *err;
	} else {
		line_get_int(
			&prune->deferred.op.answer.line, "n", 0, INT64_MAX, &pruned, &ignored);
		line_add_int(row, "pruned", pruned);
	}
	line_end(row);
	free(mem_take(&prune->name));
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct deferred *deferred = CONTAINER_OF(answer, struct deferred, answer);
	struct prune *prune = CONTAINER_OF(deferred, struct prune, deferred);
	struct cert *cert;

	if (deferred->is_running)
		return ANSWER_WAIT;
	if (prune->name)
		tell(prune);
	switch (selection_next(&prune->selection, deferred->ctl->fleet, &cert, err)) {
	case SELECTED_CERT:
		ask(prune, cert);
		return ANSWER_WAIT;
	case SELECTED_NONE_YET:
		return ANSWER_MORE;
	case SELECTED_END:
		break;
	}
	if (!err_is_set(err))
		*err = prune->first_err;
	return ANSWER_END;
}

static void prune_free(struct deferred *deferred)
{
	struct prune *prune = CONTAINER_OF(deferred, struct prune, deferred);

	selection_done(&prune->selection);
	free(prune->name);
	free(prune);
}

int cmd_prune(struct session *session, struct err *err)
{
	struct selection selection;
	struct prune *prune;
	int64_t keep = -1;

	if (line_get_int(session->request.line, "keep", 0, UINT16_MAX, &keep, err) ||
		selection_init(&selection, session->ctl->fleet, &session->request, err))
		return -1;
	prune = mem_new(struct prune);
	prune->selection = selection;
	prune->keep = keep;
	prune->deferred.ctl = session->ctl;
	prune->deferred.free = prune_free;
	session_answer(session, &prune->deferred.answer, next, deferred_release);
	return 0;
}
