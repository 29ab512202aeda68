/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_WORK_H
#define CERTD_DAEMON_CTL_WORK_H

#include <stdbool.h>

#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/runner.h"

/*
 * The work of renew, roll and deploy has a common form: go through the certificates that the
 * request names, judge each, and start one job for those that are taken.
 *
 * Certificates that are not taken have rows (cert action at why reason; job where one is at
 * work), as have those for which --force overrides something (overrides), unless nothing needs
 * to be said.  For one certificate called by its name, being busy or not active is an error;
 * among several it is a row.  The walk is done in steps like every answer, so that judging a
 * hundred thousand holds no other session up.
 */

enum verdict {
	WORK_TAKE,
	WORK_TAKE_TELL, /* taken, against what the plan says: a row tells what is overridden */
	WORK_TELL,
	WORK_SKIP
};

struct work;

struct work_rules {
	enum job_kind kind;
	/*
	 * A job of this kind that is running for the one certificate is answered instead of
	 * ERR_BUSY.
	 */
	bool joins;
	enum verdict (*judge)(
		struct work *work, const struct cert *cert, const struct plan *plan);
	/* No certificate was taken: 0, or -1 with the reason. */
	int (*none)(const struct work *work, struct err *err);
};

struct work {
	struct answer answer;
	struct selection selection;
	const struct work_rules *rules;
	struct job_options options;
	char **names; /* taken */
	size_t n, size;
	size_t n_held;      /* for judge() and none(): those that a guard holds */
	struct plan held;   /* the one that opens first, */
	char *held_name;    /* and whose it is */
	struct err refused; /* for the same: what a limit says */
};

/* Is it active and without a job?  judge() may take others too, they are told all the same. */
bool work_can_take(const struct cert *cert);

int work_begin(struct session *session, const struct work_rules *rules, struct err *err);

#endif
