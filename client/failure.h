/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_FAILURE_H
#define CERTD_CLIENT_FAILURE_H

struct err;
struct options;

/*
 * The failure of a command, as the user reads it.  An error goes to standard error as a sentence; with
 * --json its code and sentence are also the document, when there is no other.
 */

/* Prints the sentence.  Returns the exit status that belongs to the error. */
int tell_failure(const struct err *err);

/* The same, and as a JSON object on standard output when that is wanted. */
int tell_failure_as(const struct options *options, const struct err *err);

#endif
