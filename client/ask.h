/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_ASK_H
#define CERTD_CLIENT_ASK_H

struct options;
struct term;

/*
 * A request is sent, its answer shown, and an exit status returned.
 *
 * Rows are shown only when the answer is complete, so that a daemon that dies meanwhile leaves
 * no half table and no broken JSON document. failure.h prints errors.
 */

/* Returns the exit status. */
int ask(struct options *options, const struct term *term);

/*
 * `certctl version`: the versions of certctl and of the daemon, if one answers. Returns the
 * exit status.
 */
int ask_version(const struct options *options, const struct term *term);

#endif
