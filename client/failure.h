/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_FAILURE_H
#define CERTD_CLIENT_FAILURE_H

struct err;
struct options;

/*
 * A failure of a command is shown to the user as a sentence on standard error; with --json its
 * code and sentence are also the document, when there is no other.
 */

/* Prints the sentence. Returns the exit status of the error. */
int tell_failure(const struct err *err);

/* Does the same, and prints a JSON object on standard output with --json. */
int tell_failure_as(const struct options *options, const struct err *err);

#endif
