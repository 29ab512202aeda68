/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_HELP_H
#define CERTD_CLIENT_HELP_H

struct buf;
struct options;
struct command;
struct err;
struct term;

/* The text of `certctl help` is made from proto/commands.def. */

/* Appends the overview: usage, options, every command with its sentence. */
void help_overview(const struct term *term, struct buf *out);

/* Appends one command: usage, required role, description. */
void help_command(const struct command *command, const struct term *term, struct buf *out);

/* Answers `help [COMMAND...]`, also as rows. -1 with `err` when there is no such command. */
int help_answer(const struct options *options, const struct term *term, struct buf *out,
	struct err *err);

#endif
