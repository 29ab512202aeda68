/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_REKEY_H
#define CERTD_DAEMON_JOB_REKEY_H

#include "daemon/acme/rollover.h"
#include "daemon/job/job.h"

struct ca_conf;

/*
 * A rekey gives our account at an ACME CA a new key, as a job that has no certificate.
 *
 * The keeper stores the new key before it signs the change (daemon/acme/rollover.h); so the job
 * may be cancelled or killed at any moment, and the next use of the CA settles which of two
 * keys holds the account.
 */

struct rekey {
	struct job job;
	struct account_op account;
	struct rollover rollover;
	struct acme_ca *ca;
	char *about;
};

/*
 * Gives our account at an ACME CA a new key; NULL with ERR_BUSY while one is on its way there, with
 * ERR_CA_DOWN when no CA can be asked.
 */
struct job *rekey_start(struct runner *runner, const struct ca_conf *ca, struct err *err);

#endif
