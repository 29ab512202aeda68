/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/task/loop_virtual.h"
#include "tests/unit/zoo_world.h"

/*
 * The first byte selects the peer and how the rest is split; the daemon is the zoo's. For any
 * input every line of the answer is one of the protocol, output stays near the queue's bound,
 * and each line sent is answered exactly once. Before the first input every line of the zoo is
 * sent as every role.
 */

static void wake(struct session *session)
{
	(void)session;
}

static size_t ends; /* `ok` and `err` lines so far */

static void check_lines(const struct buf *out)
{
	const char *at = buf_text(out);
	struct line line = { 0 };
	struct err err = ERR_INIT;

	while (*at) {
		const char *end = strchr(at, '\n');
		enum message kind;

		assert(end);
		assert(line_parse_copy(&line, at, (size_t)(end - at), LINE_MAX_LEN, &err) == 0);
		kind = message_kind(&line);
		assert(kind != MESSAGE_OTHER);
		ends += kind == MESSAGE_OK || kind == MESSAGE_ERR;
		at = end + 1;
	}
	line_done(&line);
}

/* Runs the session until it waits for an event that does not occur here. */
static void pull(struct session *session)
{
	bool has_more = true;

	while (has_more) {
		has_more = session_pull(session);
		assert(session->out.len < SESSION_OUT_LOW + 4 * LINE_MAX_LEN);
		check_lines(&session->out);
		buf_clear(&session->out);
	}
}

/*
 * A plan needs a child process and its pipe, which cost too much here; the unit test of the
 * session covers it.
 */
static bool asks_for_a_plan(const uint8_t *data, size_t len)
{
	return len >= 4 && memmem(data, len, "plan", 4);
}

static void ask_as_every_role(const struct command *command, const char *line, void *data)
{
	for (enum role role = ROLE_NONE; role <= ROLE_ADMIN && command->id != COMMAND_PLAN;
		role++) {
		struct buf answer AUTO_BUF = BUF_INIT, complaint AUTO_BUF = BUF_INIT;

		zoo_world_ask(data, command, role, line, &answer);
		if (!zoo_judge(command, line, role, buf_text(&answer), &complaint)) {
			fputs(buf_text(&complaint), stderr);
			abort();
		}
	}
}

static void open_world(struct zoo_world *z)
{
	static bool was_asked;

	virtual_start((struct instant){ CTL_WORLD_NOW });
	log_to(NULL, NULL);
	zoo_world_open(z);
	if (!was_asked)
		zoo_each_line(ask_as_every_role, z);
	was_asked = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct zoo_world z;
	struct session session;
	size_t cut, n_lines = 0;

	if (len < 1 || asks_for_a_plan(data, len))
		return 0;
	open_world(&z);
	/* The test has no name servers. */
	z.w.runner->acme = NULL;
	session_init(&session, &z.w.ctl, &(struct peer){ .uid = data[0] & 1 ? 0 : 77 }, wake);
	cut = (size_t)(data[0] >> 1) + 1;
	ends = 0;
	for (size_t at = 1; at < len; at += cut) {
		size_t n = cut < len - at ? cut : len - at;

		session_feed(&session, data + at, n);
		pull(&session);
	}
	session_end_input(&session);
	pull(&session);
	for (size_t i = 1; i < len; i++)
		n_lines += data[i] == '\n';
	/* The end may cut a line that was already reported as too long. */
	assert(ends <= n_lines + 1);
	assert(ends >= n_lines || session.answer);
	session_done(&session);
	z.w.runner->acme = z.acme;
	zoo_world_close(&z);
	return 0;
}
