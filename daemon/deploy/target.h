/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DEPLOY_TARGET_H
#define CERTD_DAEMON_DEPLOY_TARGET_H

#include <stdbool.h>

#include "daemon/link/keeper.h"
#include "lib/base/map.h"
#include "lib/task/task.h"
#include "proto/facts.h"

/*
 * A deploy brings a target in line: copy, check, settle, reload, confirm.
 *
 * Each target has one line, a task that serves all its callers.  Certificates that arrive while
 * it works wait and then go together: all are copied, the server's check runs once, the server
 * is reloaded once, each is confirmed.  When the check refuses several, every one is put back
 * and tried alone, so that one bad certificate does not hold up the others.
 *
 *	AWAIT(target_deploy(targets, task, &op, target, cert));
 *
 * never fails the task: the result is in op.err.  A copy that is there already, confirmed and
 * equal, costs a look and nothing else.  op.facts are the newest facts that came back; the
 * caller takes them (op.has_facts) or calls target_op_done().  Cancelling leaves the line's
 * work as it is: a copy that began is finished or put back.
 */

struct targets {
	struct loop *loop;
	struct keeper *keeper;
	struct map lines; /* name -> struct target_line */
};

struct target_op {
	struct op op;
	struct target_entry *entry; /* our place in the line while pending */
	struct err err;
	struct cert_facts facts;
	bool has_facts;
	bool was_changed; /* files were written or a reload ran */
};

void targets_init(struct targets *targets, struct loop *loop, struct keeper *keeper);

/* Only when no line works any more. */
void targets_done(struct targets *targets);

void target_deploy(struct targets *targets, struct task *task, struct target_op *op,
	const char *target, const char *cert);
void target_op_done(struct target_op *op); /* zeroed is fine */

#endif
