/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_REQUEST_H
#define CERTD_PROTO_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/commands.h"

struct err;
struct line;

/*
 * A request is a line that was checked against the table of commands.
 *
 * request_parse() finds the command and checks the role, the number of arguments and the
 * options; no other code checks these. The request points into the line, which must outlive it.
 * Values of options are read with line_get_int() and its kin.
 */
struct request_line {
	const struct command *command;
	const struct line *line;
	size_t first; /* of the words behind the command's name */
	size_t n_args;
};

/*
 * ERR_UNKNOWN_COMMAND, ERR_NOT_ALLOWED or ERR_BAD_ARGUMENT with a sentence that says what is
 * right.
 */
int request_parse(
	const struct line *line, enum role role, struct request_line *out, struct err *err);

/* The n-th argument that is not an option, from 0; NULL behind the last. */
const char *request_arg(const struct request_line *request, size_t n);

/*
 * Does one of the arguments, as patterns, match the certificate? No arguments match every one.
 */
bool request_matches(const struct request_line *request, const char *cert);

#endif
