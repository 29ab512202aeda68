/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/session.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/ctl/ctl.h"
#include "daemon/job/dns_check.h"
#include "daemon/job/runner.h"

/* Steps of one session in each turn of the loop, so that no peer has the daemon to itself. */
enum { STEPS_A_TURN = 128 };

/* Read ahead beside the line in work. */
#define INPUT_MAX ((size_t)2 * LINE_MAX_LEN)

void session_init(struct session *session, struct ctl *ctl, struct peer *peer,
	void (*wake)(struct session *session))
{
	*session = (struct session){ .ctl = ctl, .peer = *peer, .wake = wake };
	*peer = (struct peer){ .groups = NULL };
	framing_init(&session->in, LINE_MAX_LEN);
	message_hello(&session->out, ctl->version, peer_role(&session->peer, ctl));
}

static void drop_answer(struct session *session)
{
	struct answer *answer = session->answer;

	session->answer = NULL;
	if (answer)
		answer->free(answer);
}

void session_done(struct session *session)
{
	drop_answer(session);
	if (session->ctl->runner)
		dns_check_left(&session->ctl->runner->jobs, session);
	framing_done(&session->in);
	line_done(&session->line);
	buf_done(&session->out);
	peer_done(&session->peer);
}

bool session_wants_input(const struct session *session)
{
	return !session->has_input_ended && session->in.len - session->in.at < INPUT_MAX;
}

void session_feed(struct session *session, const void *data, size_t len)
{
	framing_add(&session->in, data, len);
}

void session_end_input(struct session *session)
{
	session->has_input_ended = true;
}

static void finish(struct session *session, const struct err *err)
{
	drop_answer(session);
	if (err_is_set(err)) {
		message_err(&session->out, err);
		return;
	}
	message_ok_begin(&session->out);
	if (session->job)
		line_addf(&session->out, "job", "%" PRIu64, session->job);
	if (session->n_rows || session->request.command->shape == SHAPE_ROWS ||
		session->request.command->shape == SHAPE_TEXT)
		line_addf(&session->out, "rows", "%" PRIu64, session->n_rows);
	line_end(&session->out);
}

static void bad_line(struct session *session, const char *text)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_BAD_LINE, "%s", text);
	message_err(&session->out, &err);
}

static void begin(struct session *session, const char *text, size_t len)
{
	struct err err = ERR_INIT;
	const struct command *command;

	session->n_rows = session->job = 0;
	/* A copy, because more may be fed while the request is in work. */
	if (line_parse_copy(&session->line, text, len, LINE_MAX_LEN, &err) ||
		request_parse(&session->line, peer_role(&session->peer, session->ctl),
			&session->request, &err)) {
		message_err(&session->out, &err);
		return;
	}
	command = session->request.command;
	assert(command_handlers[command->id]);
	command_handlers[command->id](session, &err);
	assert(!session->answer || !err_is_set(&err));
	if (!session->answer)
		finish(session, &err);
}

/* False: no whole line is there. */
static bool take_line(struct session *session)
{
	char *text;
	size_t len;

	switch (framing_take(&session->in, &text, &len)) {
	case FRAMING_MORE:
		/* A line that the end of the input cut off is no request. */
		if (session->has_input_ended)
			framing_done(&session->in);
		return false;
	case FRAMING_TOO_LONG:
		bad_line(session, "the line is longer than 16384 bytes");
		return true;
	case FRAMING_LINE:
		break;
	}
	if (len > 0)
		begin(session, text, len);
	else
		bad_line(session, "the line is empty");
	return true;
}

/* False: it waits. */
static bool go_on(struct session *session)
{
	struct err err = ERR_INIT;

	switch (session->answer->next(session->answer, &err)) {
	case ANSWER_WAIT:
		return false;
	case ANSWER_END:
		finish(session, &err);
		break;
	case ANSWER_MORE:
		break;
	}
	return true;
}

bool session_pull(struct session *session)
{
	bool has_more = true;

	session->is_pulled = true;
	for (int i = 0; has_more && i < STEPS_A_TURN && session->out.len < SESSION_OUT_LOW;
		i++) {
		session->is_woken = false;
		has_more = session->answer ? go_on(session) : take_line(session);
		has_more |= session->is_woken;
	}
	session->is_pulled = false;
	return has_more;
}

bool session_is_over(const struct session *session)
{
	return session->has_input_ended && !session->answer && session->out.len == 0 &&
	       session->in.len == session->in.at;
}

void session_wake(struct session *session)
{
	/* From within its own work: the transport would come in a second time. */
	if (session->is_pulled)
		session->is_woken = true;
	else
		session->wake(session);
}

struct buf *session_row(struct session *session)
{
	session->n_rows++;
	message_row_begin(&session->out);
	return &session->out;
}

void session_text(struct session *session, const char *text)
{
	session->n_rows++;
	message_text(&session->out, text);
}

void session_answer(struct session *session, struct answer *answer,
	enum answer_step (*next)(struct answer *answer, struct err *err),
	void (*free)(struct answer *answer))
{
	answer->session = session;
	answer->next = next;
	answer->free = free;
	session->answer = answer;
}
