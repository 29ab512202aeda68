/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_HELP_H
#define CERTD_CLIENT_HELP_H

struct buf;
struct options;
struct command;
struct err;
struct term;

/*
 * `certctl help`, all of it made from proto/commands.def.
 */

/* The overview: usage, options, every command with its sentence. */
void help_overview(const struct term *term, struct buf *out);

/* One command: usage, who may use it, what it does. */
void help_command(const struct command *command, const struct term *term, struct buf *out);

/* `help [COMMAND...]`, also as rows.  -1 with `err` when there is no such command. */
int help_answer(const struct options *options, const struct term *term, struct buf *out,
	struct err *err);

#endif
