/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"
#include "lib/base/str.h"

static void add_row(struct session *session, const struct command *command)
{
	struct buf *row = session_row(session);

	line_add(row, "command", command->name);
	if (*command->arguments)
		line_add(row, "arguments", command->arguments);
	line_add(row, "role", role_text(command->role));
	line_add(row, "text", command->help);
	line_end(row);
}

/* A name of two words is asked for by both, or with all others by the first. */
static bool is_asked(const struct request_line *request, size_t i, const char *name)
{
	const char *word = request_arg(request, i), *rest;

	if (!str_starts(name, word))
		return false;
	rest = name + strlen(word);
	if (*rest != ' ' || i + 1 == request->n_args)
		return *rest == ' ' || *rest == 0;
	return str_is(request_arg(request, i + 1), rest + 1);
}

/* Commands that certctl runs itself are in its own help. */
static bool is_wanted(const struct session *session, const struct command *command)
{
	if (command->role == ROLE_OFFLINE)
		return false;
	for (size_t i = 0; i < session->request.n_args; i++)
		if (is_asked(&session->request, i, command->name))
			return true;
	return session->request.n_args == 0;
}

int cmd_help(struct session *session, struct err *err)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (is_wanted(session, &commands[i]))
			add_row(session, &commands[i]);
	if (session->n_rows == 0)
		return err_set(err, ERR_UNKNOWN_COMMAND, "there is no command %.40s",
			request_arg(&session->request, 0));
	return 0;
}
