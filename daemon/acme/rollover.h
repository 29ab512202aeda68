/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ROLLOVER_H
#define CERTD_DAEMON_ACME_ROLLOVER_H

#include "daemon/acme/account.h"
#include "daemon/acme/post.h"
#include "daemon/acme/rollover_recover.h"

/*
 * A rollover gives an account a new key (RFC 8555, 7.3.5), safe against a crash at any moment.
 *
 * The keeper makes the candidate and stores it before it signs the change, so at any moment one
 * of two stored keys holds the account.  The CA tells which one: settling asks for the account
 * of the candidate, then for that of the old key, and has the keeper promote the one that
 * answered.  It runs after every change whose outcome is not plain, and at the first use of a
 * CA after a restart (account.h) when the keeper holds a candidate.  The URL of the account
 * stays the same all along.
 *
 *	AWAIT(rollover_start(&o->rollover, ca, task));
 *
 * Both are child tasks whose error is the parent's.
 */

struct rollover {
	struct task task;
	struct acme_ca *ca;
	struct account_op account;
	struct keeper_op keeper;
	struct post post;
	struct rollover_recover recover;
};

void rollover_start(struct rollover *rollover, struct acme_ca *ca, struct task *parent);
void rollover_done(struct rollover *rollover); /* zeroed is fine */

#endif
