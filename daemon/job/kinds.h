/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_KINDS_H
#define CERTD_DAEMON_JOB_KINDS_H

#include "daemon/job/job.h"

/*
 * A job kind is a row of kinds.def and one file that defines its functions; it starts its jobs
 * with runner_add() and runner_begin() (runner.h), which call back by the row.
 */

struct job_kind_row {
	const char *text;
	void (*run)(struct task *task);
	void (*done)(struct job *job);
	struct job *(*due)(struct runner *runner, struct cert *cert);
};

extern const struct job_kind_row job_kinds[JOB_KIND_COUNT];

#define JOB_KIND(id, word, file, due)                                                          \
	void file##_run(struct task *task);                                                    \
	void file##_done(struct job *job);
#include "daemon/job/kinds.def"
#undef JOB_KIND

struct job *revoke_due(struct runner *runner, struct cert *cert);

#endif
