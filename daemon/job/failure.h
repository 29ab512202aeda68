/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_FAILURE_H
#define CERTD_DAEMON_JOB_FAILURE_H

#include <stdbool.h>

#include "proto/facts.h"

struct cert;
struct fleet;
struct keeper_op;
struct task;

/*
 * A noted failure is a fact that the keeper stores, so that back-off and status survive
 * restarts.  A failure that the keeper cannot store (a full disk is a likely reason for both)
 * is kept in the fleet until facts come again, so that nothing is tried in a storm.
 */

/*
 * The ledger's next entry out of the last one (NULL or without a code: none) and a new error.
 * Every error counts, whatever its code; what failed with another configuration (digest) does
 * not.  The text stays the error's.
 */
struct failure failure_next(
	const struct failure *last, uint64_t digest, const struct err *err, struct instant now);

/* The thing that failed: the certificate's issue or roll, or one of its targets. */
struct failed {
	struct fleet *fleet;
	struct cert *cert;
	const char *target; /* NULL: the certificate's own */
	uint64_t digest;    /* of what it was tried with, as in struct failure */
	const struct err *err;
};

/* Tells the keeper of it: an operation of the task, which it never fails. */
void failure_keep(const struct failed *failed, struct task *task, struct keeper_op *op);

/* Takes over what came of it; what the keeper could not store is remembered here. */
void failure_take_kept(const struct failed *failed, struct keeper_op *op);

/* Has a day begun since this failure was seen first, so that it should be told again? */
bool failure_is_daily(const struct failure *failure, struct instant now);

#endif
