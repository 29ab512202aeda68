/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_DEPLOYING_H
#define CERTD_DAEMON_JOB_DEPLOYING_H

#include "daemon/deploy/target.h"

struct job;

/*
 * A deploying is the part that roll and deploy share: one certificate goes to all its targets,
 * in their order.  A target whose predecessor has not confirmed the version is left to the
 * plan.  A failure is kept for its target, told, and does not stop the others; the first one is
 * in `failed` at the end.
 */
struct deploying {
	struct task task;
	struct job *job;
	struct target_op target;
	struct keeper_op keeper;
	struct err failed;
	size_t i;
};

/* A child task of the job that never fails; look at deploying->failed. */
void deploying_start(struct deploying *deploying, struct job *job);
void deploying_done(struct deploying *deploying); /* zeroed is fine */

#endif
