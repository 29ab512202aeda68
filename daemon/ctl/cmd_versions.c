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
	struct asking asking;
	size_t told; /* bytes of the keeper's rows */
};

/* One row of the keeper a step; its words are those of the answer. */
static enum answer_step next(struct answer *answer, struct err *err)
{
	struct asking *asking = CONTAINER_OF(answer, struct asking, answer);
	struct versions *versions = CONTAINER_OF(asking, struct versions, asking);
	const char *row = asking->op.answer.rows;
	struct buf *out;
	size_t len;

	if (asking->is_running)
		return ANSWER_WAIT;
	if (err_is_set(&asking->task.err)) {
		*err = asking->task.err;
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

static void versions_free(struct asking *asking)
{
	free(CONTAINER_OF(asking, struct versions, asking));
}

int cmd_versions(struct session *session, struct err *err)
{
	const struct cert *cert = select_one(session->ctl->fleet, &session->request, err);
	struct versions *versions;

	if (!cert)
		return -1;
	versions = mem_new(struct versions);
	versions->asking.ctl = session->ctl;
	versions->asking.free = versions_free;
	session_answer(session, &versions->asking.answer, next, asking_release);
	keeper_request(&versions->asking.op, REQUEST_versions);
	line_add(&versions->asking.op.text, "cert", cert->conf->name);
	asking_start(&versions->asking);
	return 0;
}
