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
	struct asking asking;
	struct selection selection;
	int64_t keep; /* -1: as configured */
	char *name;   /* whose answer is awaited; NULL: nobody's */
	struct err first_err;
};

static void ask(struct prune *prune, const struct cert *cert)
{
	struct keeper_op *op = &prune->asking.op;

	prune->name = mem_strdup(cert->conf->name);
	keeper_request(op, REQUEST_prune);
	line_add(&op->text, "cert", prune->name);
	line_add_int(&op->text, "keep", prune->keep < 0 ? cert->conf->keep : prune->keep);
	asking_start(&prune->asking);
}

static void tell(struct prune *prune)
{
	struct session *session = prune->asking.answer.session;
	const struct err *err = &prune->asking.task.err;
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
			&prune->asking.op.answer.line, "n", 0, INT64_MAX, &pruned, &ignored);
		line_add_int(row, "pruned", pruned);
	}
	line_end(row);
	free(mem_take(&prune->name));
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct asking *asking = CONTAINER_OF(answer, struct asking, answer);
	struct prune *prune = CONTAINER_OF(asking, struct prune, asking);
	struct cert *cert;

	if (asking->is_running)
		return ANSWER_WAIT;
	if (prune->name)
		tell(prune);
	switch (selection_next(&prune->selection, asking->ctl->fleet, &cert, err)) {
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

static void prune_free(struct asking *asking)
{
	struct prune *prune = CONTAINER_OF(asking, struct prune, asking);

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
	prune->asking.ctl = session->ctl;
	prune->asking.free = prune_free;
	session_answer(session, &prune->asking.answer, next, asking_release);
	return 0;
}
