/* SPDX-License-Identifier: MIT */
#include "client/help.h"

#include <string.h>

#include "client/options.h"
#include "client/view.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "proto/line.h"

static void add_usage(const struct command *command, struct buf *out)
{
	buf_printf(out, "certctl %s%s%s", command->name, *command->arguments ? " " : "",
		command->arguments);
}

void help_overview(const struct term *term, struct buf *out)
{

	buf_add_text(out,
		"certctl [-s SOCKET] [--json] [--no-color] COMMAND [ARGUMENT...]\n"
		"asks certd about certificates and tells it what to do.\n\n"
		"  -s SOCKET   where certd listens (" OPTIONS_SOCKET ", or $CERTD_SOCKET)\n"
		"  --json      one JSON document instead of text\n"
		"  --no-color  no colours, also on a terminal\n\n"
		"A certificate is GROUP/SERVICE; in a PATTERN each half may hold *, and GROUP\n"
		"alone means all of it.  certctl help COMMAND tells more, certctl(1) all.\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		term_colour(term, out, COLOUR_BOLD);
		buf_printf(out, "  %s", commands[i].name);
		term_colour(term, out, COLOUR_NONE);
		for (size_t n = strlen(commands[i].name); n < 16; n++)
			buf_add_char(out, ' ');
		buf_printf(out, "%s\n", commands[i].help);
	}
}

void help_command(const struct command *command, const struct term *term, struct buf *out)
{
	static const char *const who[] = {
		[ROLE_NONE] = "any user may ask",
		[ROLE_OBSERVE] = "needs the role observe",
		[ROLE_OPERATE] = "needs the role operate",
		[ROLE_ADMIN] = "needs the role admin",
		[ROLE_OFFLINE] = "needs no daemon",
	};

	term_colour(term, out, COLOUR_BOLD);
	add_usage(command, out);
	term_colour(term, out, COLOUR_NONE);
	buf_printf(out, "\n  %s (%s)\n", command->help, who[command->role]);
}

static void add_row(struct rows *rows, const struct command *command)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct line line CLEANUP(line_done) = { 0 };
	struct err err = ERR_INIT;

	line_add_word(&text, "row");
	line_add(&text, "command", command->name);
	line_add(&text, "arguments", command->arguments);
	line_add(&text, "role", role_text(command->role));
	line_add(&text, "text", command->help);
	if (line_parse(&line, text.data, text.len, LINE_MAX_LEN, &err) == 0)
		rows_add(rows, &line, &err);
}

/* Does the command match the words asked for: "config", "config check", "status"? */
static bool is_asked(const struct options *options, const struct command *command)
{
	const char *first = options->args[0];
	const char *second = options->n_args > 1 ? options->args[1] : NULL;
	size_t len = strlen(first);

	if (str_is(command->name, first))
		return true;
	if (strncmp(command->name, first, len) != 0 || command->name[len] != ' ')
		return false;
	return !second || str_is(command->name + len + 1, second);
}

int help_answer(const struct options *options, const struct term *term, struct buf *out,
	struct err *err)
{
	struct rows rows CLEANUP(rows_done) = { .command = &commands[COMMAND_HELP] };
	size_t found = 0;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (options->n_args && !is_asked(options, &commands[i]))
			continue;
		found++;
		if (options->is_json)
			add_row(&rows, &commands[i]);
		else if (options->n_args)
			help_command(&commands[i], term, out);
	}
	if (!found) {
		const char *near = command_near_miss(options->args[0]);

		return err_set(err, ERR_UNKNOWN_COMMAND, "there is no command %.60s%s%s%s",
			options->args[0], near ? "; did you mean " : "", near ? near : "",
			near ? "?" : "; certctl help lists them");
	}
	if (options->is_json)
		show_json(&rows, out);
	else if (!options->n_args)
		help_overview(term, out);
	return 0;
}
