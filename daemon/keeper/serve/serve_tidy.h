/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_SERVE_SERVE_TIDY_H
#define CERTD_DAEMON_KEEPER_SERVE_SERVE_TIDY_H

#include <stdbool.h>

struct asked;
struct cert_facts;
struct copy;
struct err;

/*
 * A tidy request looks after a target's directories: the facts keep what deploys set aside, left
 * behind or could not remove (serve_tidy.c).  Requests of deploys report to it.
 */

/*
 * The certificate's files at the target were settled.  Notes the leftovers; with `is_own` also the
 * directory as certd's own, and the one before it as left.  -1 when the facts cannot be written.
 */
int serve_note_settled(
	struct asked *asked, const struct copy *copy, bool is_own, struct err *err);

/*
 * Tells what a switch or a settlement has set aside, and what could not be removed unless the
 * facts say so.
 */
void serve_tell_aside(struct asked *asked, const struct copy *copy);
void serve_tell_untidy(struct asked *asked, const struct cert_facts *facts, const char *target,
	const struct copy *copy);

#endif
