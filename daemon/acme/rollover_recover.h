/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ROLLOVER_RECOVER_H
#define CERTD_DAEMON_ACME_ROLLOVER_RECOVER_H

#include "daemon/acme/acme.h"
#include "daemon/acme/post.h"
#include "daemon/link/keeper.h"

/*
 * The end of a change of an account's key (rollover.h) whose outcome is not known.
 *
 * One of two stored keys holds the account, and the CA tells which: it is asked for the account
 * of the candidate, then for that of the old key, and the keeper promotes the one that
 * answered.  This runs after every change whose outcome is not plain, and at the first use of a
 * CA after a restart (account.h) when the keeper holds a candidate.
 *
 * 	AWAIT(rollover_recover_start(&o->recover, ca, task));
 *
 * A child task whose error is the parent's.
 */

/* For all requests of a rollover. */
#define ROLLOVER_MS (INT64_C(2) * 60 * 1000)

struct rollover_recover {
	struct task task;
	struct acme_ca *ca;
	struct keeper_op keeper;
	struct post post;
	bool holds_candidate; /* the outcome */
};

void rollover_recover_start(
	struct rollover_recover *recover, struct acme_ca *ca, struct task *parent);
void rollover_recover_done(struct rollover_recover *recover); /* zeroed is fine */

/* Has the keeper take `which` for the account's key: "candidate" or "old". */
void rollover_promote(
	struct acme_ca *ca, struct task *task, struct keeper_op *keeper, const char *which);

#endif
