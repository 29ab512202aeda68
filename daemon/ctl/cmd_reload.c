/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/cmd_reload.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"
#include "lib/base/mem.h"

struct reload_wait {
	struct answer answer;
	bool is_answered;
	struct buf diagnostics;
	size_t told; /* bytes of it */
	struct err err;
};

/* One line a step. */
static enum answer_step next(struct answer *answer, struct err *err)
{
	struct reload_wait *wait = CONTAINER_OF(answer, struct reload_wait, answer);
	char *line, *end;

	if (!wait->is_answered)
		return ANSWER_WAIT;
	if (wait->told >= wait->diagnostics.len) {
		*err = wait->err;
		return ANSWER_END;
	}
	line = wait->diagnostics.data + wait->told;
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	wait->told = end ? (size_t)(end + 1 - wait->diagnostics.data) : wait->diagnostics.len;
	/* A line of the protocol has room for more than any diagnostic that can be read. */
	line[strnlen(line, LINE_MAX_LEN / 8)] = '\0';
	if (*line)
		session_text(answer->session, line);
	return ANSWER_MORE;
}

static void done(struct answer *answer)
{
	struct reload_wait *wait = CONTAINER_OF(answer, struct reload_wait, answer);

	list_remove(&answer->link);
	buf_done(&wait->diagnostics);
	free(wait);
}

void reload_answer(struct answer *answer, const struct err *err, const char *diagnostics)
{
	struct reload_wait *wait = CONTAINER_OF(answer, struct reload_wait, answer);

	list_remove(&answer->link);
	wait->is_answered = true;
	if (err)
		wait->err = *err;
	if (diagnostics)
		buf_add_text(&wait->diagnostics, diagnostics);
	session_wake(answer->session);
}

int cmd_reload(struct session *session, struct err *err)
{
	struct ctl *ctl = session->ctl;
	struct reload_wait *wait;

	/* One who joined a reload that has begun would not know whether it saw the newest files. */
	if (!list_is_empty(&ctl->reloads))
		return err_set(err, ERR_BUSY, "the configuration is being read again already");
	wait = mem_new(struct reload_wait);
	session_answer(session, &wait->answer, next, done);
	list_append(&ctl->reloads, &wait->answer.link);
	ctl->reload(ctl->data);
	return 0;
}
