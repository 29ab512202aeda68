/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_RUNNER_H
#define CERTD_DAEMON_JOB_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/job/job.h"
#include "daemon/job/manners.h"

/*
 * The runner starts jobs, bounds how many run at once, and keeps those that wait.
 *
 * The plan's jobs come from the fleet, which the runner follows: they start at once while there
 * is room and wait otherwise, in the order in which their certificates end (cert_deadline()); a
 * waiting certificate is planned again when its turn comes.  An operator's jobs come through
 * runner_start() and batch_start() and start at once.  Different waits have lanes of their own:
 * slow key types, so that no quick certificate waits behind an RSA key of 8192 bits,
 * and each ACME CA, so that a slow CA holds up only certificates that want it.
 *
 * One certificate has at most one job.
 */

#define RUNNER_QUICK_MAX 32
#define RUNNER_SLOW_MAX 8

/*
 * Jobs of an ACME CA beyond its orders in flight: those that wait for the CA to make up its
 * mind.
 */
#define RUNNER_PARKED_MAX 64

struct lane {
	struct list link; /* in runner->lanes */
	struct heap due;  /* struct cert, waiting for room */
	char *ca;         /* of an ACME CA, or NULL */
	size_t n, max;
};

struct acme;
struct dns_purses;

struct runner {
	struct fleet *fleet;
	struct fleet_follower follower;
	struct targets targets;
	struct list jobs;  /* struct job, by number; children of batches included */
	struct list lanes; /* struct lane */
	struct lane quick, slow;
	struct manners manners;
	struct acme *acme;             /* NULL: no ACME CA can be asked */
	struct dns_purses *dns_purses; /* of dns_check.c; NULL before the first check */
	size_t n_jobs;
	uint64_t last_number;
	uint32_t n_queued;
	bool is_gathering; /* offers are only queued */
	bool is_stopping;
	void (*idle)(void *data); /* after runner_stop(): the last job has ended */
	void *idle_data;
};

/* `acme` is borrowed. */
struct runner *runner_new(struct fleet *fleet, struct acme *acme);
void runner_free(struct runner *runner);

/* The certificate waits for no room any more. */
void runner_forget(struct cert *cert);

struct job_options {
	bool is_forced, reuse_key, is_test;
	bool is_try;        /* by a clock that is doubted */
	bool wants_new_key; /* whatever the configuration says */
};

/* Starts a job for one certificate; NULL with ERR_BUSY or ERR_INACTIVE. */
struct job *runner_start(struct runner *runner, enum job_kind kind, struct cert *cert,
	const struct job_options *options, struct err *err);

/*
 * For the kinds: enters a job that the kind has made, whose memory goes with free() of its
 * struct job, and starts its task.  `cert` is what it works on alone; NULL: none.
 */
void runner_add(struct runner *runner, struct job *job, enum job_kind kind, struct cert *cert);
void runner_begin(struct job *job);

/* The last word of every job; those with a parent (job->batch) are ended by it. */
void runner_end(struct job *job);

/* Is such a job about the same thing at work?  Then *err is ERR_BUSY. */
bool runner_has_same(
	const struct runner *runner, enum job_kind kind, const char *about, struct err *err);

/* ERR_BUSY with the job that works on the certificate, which has one. */
int runner_fail_busy(const struct cert *cert, struct err *err);

struct job *runner_find(const struct runner *runner, uint64_t number);

/*
 * Cancels a job for an operator.  The plan does not start it again at once: its certificate is
 * held (fleet_hold()).  ERR_NO_SUCH_JOB when it has ended already.
 */
int runner_cancel(struct runner *runner, uint64_t number, struct err *err);

/* Cancels everything and calls `idle` when nothing runs any more (at once when nothing does). */
void runner_stop(struct runner *runner, void (*idle)(void *data), void *data);

#endif
