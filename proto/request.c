/* SPDX-License-Identifier: MIT */
#include "proto/request.h"

#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "proto/line.h"

static int find(const struct line *line, struct request_line *out, struct err *err)
{
	const char *first = line_plain(line, 0);
	const char *near;

	if (!first)
		return err_set(err, ERR_UNKNOWN_COMMAND, "a request begins with a command");
	out->command = command_find(first, line_plain(line, 1), &out->first);
	if (out->command)
		return 0;
	near = command_near_miss(first);
	if (near)
		return err_set(err, ERR_UNKNOWN_COMMAND,
			"there is no command %.40s; did you mean %s?", first, near);
	return err_set(
		err, ERR_UNKNOWN_COMMAND, "there is no command %.40s; help lists them", first);
}

static int check_role(const struct command *command, enum role role, struct err *err)
{
	if (command->role == ROLE_OFFLINE)
		return err_set(err, ERR_UNKNOWN_COMMAND,
			"%s is a command of certctl itself, not of the daemon", command->name);
	if (role < command->role)
		return err_set(err, ERR_NOT_ALLOWED, "%s needs the role %s; this peer has %s",
			command->name, role_text(command->role), role_text(role));
	return 0;
}

static int check_word(const struct command *command, const struct word *word, struct err *err)
{
	char name[40];

	if (!word->key && word->value[0] != '-')
		return 0;
	if (word->key)
		snprintf(name, sizeof(name), "--%.36s", word->key);
	else
		snprintf(name, sizeof(name), "%.38s", word->value);
	if (command_option(command, name) == (word->key ? OPTION_VALUE : OPTION_FLAG))
		return 0;
	return err_set(err, ERR_BAD_ARGUMENT,
		"%s has no argument %.40s%s; its arguments are: %s", command->name,
		word->key ? word->key : word->value, word->key ? "=" : "",
		command->arguments[0] ? command->arguments : "none");
}

static int check_arity(const struct request_line *request, struct err *err)
{
	const struct command *command = request->command;
	size_t min, max;

	command_arity(command, &min, &max);
	if (request->n_args >= min && request->n_args <= max)
		return 0;
	if (max == 0)
		return err_set(err, ERR_BAD_ARGUMENT, "%s takes no arguments", command->name);
	return err_set(err, ERR_BAD_ARGUMENT, "%s got too %s arguments; they are: %s",
		command->name, request->n_args < min ? "few" : "many", command->arguments);
}

int request_parse(
	const struct line *line, enum role role, struct request_line *out, struct err *err)
{
	struct request_line request = { .line = line };

	if (find(line, &request, err) || check_role(request.command, role, err))
		return -1;
	for (size_t i = request.first; i < line->n; i++) {
		const struct word *word = &line->words[i];

		if (check_word(request.command, word, err))
			return -1;
		request.n_args += !word->key && word->value[0] != '-';
	}
	if (check_arity(&request, err))
		return -1;
	*out = request;
	return 0;
}

const char *request_arg(const struct request_line *request, size_t n)
{
	for (size_t i = request->first; i < request->line->n; i++) {
		const struct word *word = &request->line->words[i];

		if (!word->key && word->value[0] != '-' && n-- == 0)
			return word->value;
	}
	return NULL;
}

bool request_matches(const struct request_line *request, const char *cert)
{
	if (request->n_args == 0)
		return true;
	for (size_t i = request->first; i < request->line->n; i++) {
		const struct word *word = &request->line->words[i];

		if (!word->key && word->value[0] != '-' && str_matches(cert, word->value))
			return true;
	}
	return false;
}
