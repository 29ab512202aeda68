/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_REKEY_H
#define CERTD_DAEMON_JOB_REKEY_H

#include "daemon/acme/rollover.h"
#include "daemon/job/job.h"

struct ca_conf;

/*
 * A new key for our account at an ACME CA, as a job that has no certificate.
 *
 * What must not be lost lies with the keeper, which stores the new key before it signs the change
 * (daemon/acme/rollover.h); so the job may be cancelled or killed at any moment, and the next use of the
 * CA settles which of two keys holds the account.
 */

struct rekey {
	struct job job;
	struct account_op account;
	struct rollover rollover;
	struct acme_ca *ca;
	char *about;
};

/* The runner has an ACME client, and the CA is an ACME CA. */
struct rekey *rekey_new(struct runner *runner, const struct ca_conf *ca);
void rekey_done(struct rekey *rekey); /* frees what it owns, not itself */

#endif
