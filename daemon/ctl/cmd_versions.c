/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "daemon/ctl/deferred.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/select.h"
#include "daemon/job/fleet.h"
#include "lib/base/mem.h"

struct versions {
	struct deferred deferred;
	size_t told; /* bytes of the keeper's rows */
};

/* One row of the keeper a step; its words are those of the answer. */
static enum answer_step next(struct answer *answer, struct err *err)
{
	struct deferred *deferred = CONTAINER_OF(answer, struct deferred, answer);
	struct versions *versions = CONTAINER_OF(deferred, struct versions, deferred);
	const char *row = deferred->op.answer.rows;
	struct buf *out;
	size_t len;

	if (deferred->is_running)
		return ANSWER_WAIT;
	if (err_is_set(&deferred->task.err)) {
		*err = deferred->task.err;
		return ANSWER_END;
	}
	if (!row || !row[versions->told])
		return ANSWER_END;
	row += versions->told;
	len = strcspn(row, "\n");
	versions->told += len + (row[len] == '\n');
	if (len) {
		out = session_row(answer->session);
		buf_add_char(out, ' ');
		buf_add(out, row, len);
		line_end(out);
	}
	return ANSWER_MORE;
}

static void versions_free(struct deferred *deferred)
{
	free(CONTAINER_OF(deferred, struct versions, deferred));
}

int cmd_versions(struct session *session, struct err *err)
{
	const struct cert *cert = select_one(session->ctl->fleet, &session->request, err);
	struct versions *versions;

	if (!cert)
		return -1;
	versions = mem_new(struct versions);
	versions->deferred.ctl = session->ctl;
	versions->deferred.free = versions_free;
	session_answer(session, &versions->deferred.answer, next, deferred_release);
	keeper_request(&versions->deferred.op, REQUEST_versions);
	line_add(&versions->deferred.op.text, "cert", cert->conf->name);
	deferred_start(&versions->deferred);
	return 0;
}
