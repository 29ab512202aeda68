/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_ASK_H
#define CERTD_CLIENT_ASK_H

struct err;
struct options;
struct term;

/*
 * One request, its answer shown, and the exit status that follows from it.
 *
 * Rows are shown only when the answer is complete, so a daemon that dies in the middle leaves no
 * half table and no broken JSON document.  An error goes to standard error as a sentence; with
 * --json its code and sentence are also the document, when there is no other.
 */

/* Returns the exit status. */
int ask(struct options *options, const struct term *term);

/* `certctl version`: ours, and that of the daemon when one answers.  Returns the exit status. */
int ask_version(const struct options *options, const struct term *term);

/* Tells an error on standard error; returns its exit status. */
int ask_failed(const struct err *err);

/* The same, and as a JSON object on standard output when that is wanted. */
int ask_failed_as(const struct options *options, const struct err *err);

#endif
