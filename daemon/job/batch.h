/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_BATCH_H
#define CERTD_DAEMON_JOB_BATCH_H

#include "daemon/job/runner.h"

/*
 * A batch is one job that works through many certificates, some side by side, in the order of
 * their ends.  Its children are ordinary jobs with numbers of their own; one that fails does
 * not stop the others.  The batch fails at the end with the first failure of a child.
 */

struct batch {
	struct job job;
	enum job_kind kind;
	struct job_options options;
	char **names; /* by name, because certificates may leave meanwhile */
	size_t n, at, running, done;
	struct err first_err;
	struct op wait; /* pending while children run */
};

/* Starts one job that works through many certificates, which must be free; the array is copied. */
struct job *batch_start(struct runner *runner, enum job_kind kind, struct cert *const *certs,
	size_t n, const struct job_options *options);

#endif
