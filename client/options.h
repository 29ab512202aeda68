/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_OPTIONS_H
#define CERTD_CLIENT_OPTIONS_H

#include <stdbool.h>

#include "proto/commands.h"

struct buf;
struct err;

/*
 * An option parser reads `certctl [-s SOCKET] [--json] [--no-color] COMMAND [ARGUMENT...]`.
 *
 * proto/commands.def defines the commands, their options and the number of their arguments.
 * certctl's own options may also follow the command; behind "--" there are no options. The
 * arguments of offline commands are not parsed here. Nothing is printed; an error is
 * ERR_BAD_ARGUMENT or ERR_UNKNOWN_COMMAND with a sentence that suggests what was meant.
 */
struct options {
	const char *socket;
	bool is_json, no_color, is_waiting, wants_help, wants_version;
	const struct command *command; /* NULL: no command was given */
	char **argv;                   /* the command's name, then the arguments; owned */
	char **args;                   /* argv + 1; ends with NULL */
	int n_args;
};

/* The daemon's socket unless -s or $CERTD_SOCKET names another. */
#define OPTIONS_SOCKET "/run/certd/control.sock"

/* *out borrows argv; options_done() also after a failure. */
int options_parse(struct options *out, int argc, char **argv, struct err *err);
void options_done(struct options *options);

/* Appends the request as a line, without options that are the client's own. */
int options_request(struct options *options, struct buf *out, struct err *err);

#endif
