/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_ASK_H
#define CERTD_CLIENT_ASK_H

struct options;
struct term;

/*
 * One request, its answer shown, and the exit status that follows from it.
 *
 * Rows are shown only when the answer is complete, so a daemon that dies in the middle leaves no
 * half table and no broken JSON document.  Errors are told by failure.h.
 */

/* Returns the exit status. */
int ask(struct options *options, const struct term *term);

/* `certctl version`: ours, and that of the daemon when one answers.  Returns the exit status. */
int ask_version(const struct options *options, const struct term *term);

#endif
