/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_ACCOUNT_H
#define CERTD_DAEMON_ACME_ACCOUNT_H

#include "daemon/acme/acme.h"

/*
 * An open account is the directory and the account of a CA, ready to be used: one task that all
 * callers share.
 *
 *	AWAIT(account_open(ca, task, &o->account));
 *
 * goes on at once when both are known and fresh.  Otherwise the first caller starts the task,
 * later ones wait for the same; its error is that of all.  The task fetches the directory
 * (bounded, https only), asks the keeper for the account it knows, finds the account by its key
 * when the URL is not known, registers a new one when there is none (with the external binding
 * when one is configured or required), finishes a key rollover that a crash interrupted, and
 * brings the contacts in line once a run and after a reload.
 *
 * While the CA does not let the account in (refusal.h) the answer is that, and nothing is
 * asked.
 *
 * A caller that is cancelled leaves; the task goes on for the others.  Accounts are registered
 * here only.
 */

struct account_op {
	struct op op;
	struct list link;
	uint64_t opening; /* the number of the task that was waited for last; 0: none was */
};

void account_open(struct acme_ca *ca, struct task *task, struct account_op *op);

/*
 * For the CA's health: is this error, which ended that wait, one that another waiter told
 * already?  A CA that fails once for twenty orders has failed once.
 */
bool account_is_told(struct acme_ca *ca, const struct account_op *op);

/* Asks for the account although the CA did not let it in lately; for an operator. */
void account_insist(struct acme_ca *ca);

#endif
