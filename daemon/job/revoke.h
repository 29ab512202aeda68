/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_REVOKE_H
#define CERTD_DAEMON_JOB_REVOKE_H

#include "daemon/acme/revocation.h"
#include "daemon/job/job.h"

/*
 * A revocation is a job whose children are ordinary jobs.
 *
 * A current version is replaced before its CA hears of it: issue on a new key, roll, deploy,
 * and only when every target has confirmed the new version the old one is revoked.  With root's
 * mark (`is_now`) the CA is told first.  Any other version is revoked at once.
 *
 * The wish is noted as a fact before anything else, so that after a failure or a crash the plan
 * goes on: it starts the same job again for the version that was replaced meanwhile
 * (ACTION_REVOKE).  The fact is forgotten when the CA was told, when the CA or the keeper
 * refuses for good, and when an operator cancels the job.
 *
 * Between its children the certificate is held, so that the plan does not start jobs of its
 * own.
 */

struct revoke_wish {
	const char *cert;
	struct version_id version;
	int reason; /* enum reason */
	bool is_now;
};

struct revoke {
	struct job job;
	struct op wait; /* pending while the child runs */
	struct job *child;
	struct revocation revocation;
	struct acme_ca *ca;
	char *cert; /* by name, because it may leave meanwhile */
	char version[VERSION_ID_TEXT_LEN];
	struct version_id id;
	uint8_t spki[32]; /* of the current version as it was */
	bool is_curr, is_now, was_revoked;
	bool is_replacing; /* its children are at work */
};

/*
 * Revokes a version of a certificate of the fleet; NULL with ERR_BUSY while another job works
 * on it, with ERR_CA_DOWN when no CA can be asked.
 */
struct job *revoke_start(
	struct runner *runner, const struct revoke_wish *wish, struct err *err);

#endif
