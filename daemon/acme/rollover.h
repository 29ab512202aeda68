/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ROLLOVER_H
#define CERTD_DAEMON_ACME_ROLLOVER_H

#include "daemon/acme/account.h"
#include "daemon/acme/post.h"

/*
 * A new key for an account (RFC 8555, 7.3.5), safe against a crash at any moment.
 *
 * The keeper makes the candidate and stores it before it signs the change, so whatever happens, one of
 * two stored keys holds the account.  Which one, the CA tells: settling asks for the account of the
 * candidate, then for that of the old key, and has the keeper promote the one that answered.  It runs
 * after every change whose outcome is not plain, and at the first use of a CA after a restart
 * (account.h) when the keeper holds a candidate.  The URL of the account stays the same all along.
 *
 *	AWAIT(rollover_start(&o->rollover, ca, task));
 *
 * Both are child tasks whose error is the parent's.
 */

struct settling {
	struct task task;
	struct acme_ca *ca;
	struct keeper_op keeper;
	struct post post;
	bool holds_candidate; /* the outcome */
};

void settling_start(struct settling *settling, struct acme_ca *ca, struct task *parent);
void settling_done(struct settling *settling); /* zeroed is fine */

struct rollover {
	struct task task;
	struct acme_ca *ca;
	struct account_op account;
	struct keeper_op keeper;
	struct post post;
	struct settling settling;
};

void rollover_start(struct rollover *rollover, struct acme_ca *ca, struct task *parent);
void rollover_done(struct rollover *rollover); /* zeroed is fine */

#endif
