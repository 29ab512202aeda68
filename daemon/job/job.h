/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_JOB_H
#define CERTD_DAEMON_JOB_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/acme/ledger.h"
#include "daemon/acme/order.h"
#include "daemon/conf/conf.h"
#include "daemon/job/deploying.h"
#include "daemon/job/fleet.h"
#include "daemon/job/manners.h"
#include "daemon/link/keeper.h"
#include "lib/task/task.h"

/*
 * A job: one piece of work that an operator or the plan asked for, running as a task, with a
 * number that people can follow and cancel.
 *
 * issue, roll and deploy are each one file and one task body; a batch is a job whose children
 * are such jobs, for a command that names many certificates; revoke.h has children as well;
 * rekey.h is about an account, dns_check.h about a name.  The runner (runner.h) creates jobs,
 * keeps the list and the limits, and says job.started, job.step and job.done.  A job holds a
 * reference to the configuration it began with and its certificate stays while it lives; its
 * facts go to the fleet as soon as the keeper answers.  Failures are kept by the keeper before
 * the job ends, so that back-off survives restarts.
 */

enum job_kind {
#define JOB_KIND(id, word, file, due) JOB_##id,
#include "daemon/job/kinds.def"
#undef JOB_KIND
	JOB_KIND_COUNT
};

struct lane;

struct job {
	struct task task;
	struct list link; /* in runner->jobs */
	struct runner *runner;
	struct conf *conf; /* a reference */
	struct cert *cert; /* NULL: a batch, a revocation, the key of an account, a name */
	struct job *batch; /* whose child it is, a batch or a revocation, or NULL */
	struct keeper_op keeper;
	struct manners_wait manners_wait; /* for the ledger that another job reads */
	struct deploying deploying;
	struct order order; /* of an issue by an ACME CA */
	size_t ca;          /* place in the certificate's list of the CA that is asked */
	uint64_t tried;     /* places of the list, one bit each */
	struct err failed;  /* the answer of the CA that was asked last */
	bool may_fail_over; /* and whether another one may be asked after that */
	struct lane *lane;  /* NULL without a certificate */
	uint64_t number;
	enum job_kind kind;
	const char *verb;  /* "issue", "renew" ... as people know it */
	const char *about; /* its certificate, or what else it is about, for people */
	const char *step;  /* static text */
	struct instant started;
	struct tick begun;
	struct log_field log_cert;
	char number_text[24];
	bool is_forced, reuse_key, is_slow;
	bool is_try;                 /* as in struct plan */
	bool is_test;                /* on the staging directory, into the test tree */
	bool has_noted_order;        /* the ledger knows that the order was placed */
	enum ledger_kind order_kind; /* and as what */
	bool has_kept_failure;
};

/* Names the step the job is in; an event when it changes. */
void job_step(struct job *job, const char *step);

/* For task bodies: the facts of the last answer go to the fleet.  0, or -1 with task.err. */
int job_take_facts(struct job *job);

/*
 * After FINALLY: what was answered to a job that was cancelled while it waited goes to the
 * fleet, too.
 */
void job_take_late_facts(struct job *job);

/*
 * Asks the keeper to keep the job's error as the failure of its certificate.  To be awaited after
 * FINALLY when job_has_failed(); whether it could be kept does not matter to the job.
 */
void job_keep_failure(struct job *job);

/*
 * Afterwards: the facts that now hold the failure; only the fleet knows of it when it was not
 * kept.
 */
void job_take_kept(struct job *job);

/* Is there an error that counts as a failure (not a cancellation)? */
bool job_has_failed(const struct job *job);

/* Tells that a failure has been overcome, when there was one. */
void job_tell_recovery(struct job *job);

/* Requests about the job's certificate. */
void job_ask(struct job *job, enum request request);
void job_try(struct job *job, enum request request); /* its error stays in job->keeper.err */
bool job_has_hook(const struct job *job, enum hook hook);
void job_ask_hook(struct job *job, enum hook hook);  /* its error is the job's: it may veto */
void job_tell_hook(struct job *job, enum hook hook); /* its error is only logged */

#endif
