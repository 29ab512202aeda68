/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_OPTIONS_H
#define CERTD_CLIENT_OPTIONS_H

#include <stdbool.h>

#include "proto/commands.h"

struct buf;
struct err;

/*
 * The command line: `certctl [-s SOCKET] [--json] [--no-color] COMMAND [ARGUMENT...]`.
 *
 * Everything about commands comes from proto/commands.def: their names, options and how many
 * arguments they take.  The options of certctl itself may also stand behind the command, because
 * that is where people type them; behind "--" nothing is an option.  The arguments of offline
 * commands are left as they are.  Nothing here prints; a mistake is ERR_BAD_ARGUMENT or
 * ERR_UNKNOWN_COMMAND with a sentence that says what was probably meant.
 */
struct options {
	const char *socket;
	bool is_json, no_color, is_waiting, wants_help, wants_version;
	const struct command *command; /* NULL: none was given */
	char **argv;                   /* the command's name, then the arguments; owned */
	char **args;                   /* argv + 1; ends with NULL */
	int n_args;
};

/* Where the daemon listens unless -s or $CERTD_SOCKET says otherwise. */
#define OPTIONS_SOCKET "/run/certd/control.sock"

/* *out borrows argv; options_done() also after a failure. */
int options_parse(struct options *out, int argc, char **argv, struct err *err);
void options_done(struct options *options);

/* The request as a line, without those options that never travel. */
int options_request(struct options *options, struct buf *out, struct err *err);

#endif
