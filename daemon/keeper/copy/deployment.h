/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_COPY_DEPLOYMENT_H
#define CERTD_DAEMON_KEEPER_COPY_DEPLOYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/map.h"

struct err;

/*
 * A deployment is what the keeper itself did at a target since it started.
 *
 * The engine asks for a copy, a check, a reload and a confirmation one by one, and a stolen
 * engine asks for them in any order.  A refusal to revoke depends on the confirmation, so a
 * confirmation counts only when the keeper's own check and reload of the target began after the
 * last change of the certificate's files there and ended well, and the files were settled.
 * Moments are numbers in the order of events; no clock is read.
 *
 * An entry lives from the first change of files until they are confirmed, so an idle
 * certificate has none.  After a restart there are none at all: the engine asks for the copy
 * again, which begins one.
 */

struct deployments {
	struct map files;   /* by "TARGET CERT" */
	struct map targets; /* by name: the last good check and reload */
	uint64_t now;       /* the last moment that was given */
};

/*
 * A change of the files begins, and has ended; between the two nothing is known of them.  It is a
 * copy or a restore.
 */
void deployment_begins(
	struct deployments *all, const char *target, const char *cert, bool is_copy);
void deployment_ended(struct deployments *all, const char *target, const char *cert);

/* The files at the target have passed their check, so the next copy starts from them. */
void deployment_settled(struct deployments *all, const char *target, const char *cert);
bool deployment_is_settled(const struct deployments *all, const char *target, const char *cert);

/* The facts' word on the directory at the copy, so that the settlement need not read them again. */
struct deployment_place {
	bool is_first; /* no deploy to it has passed its check */
	bool is_noted; /* the facts name it, and no leftover */
	uint64_t dir;  /* the hash of its path: a reload may configure another one */
};
void deployment_set_place(struct deployments *all, const char *target, const char *cert,
	struct deployment_place place);
bool deployment_place(const struct deployments *all, const char *target, const char *cert,
	struct deployment_place *out); /* false: not known */

/*
 * The copy that ended last went well.  Until the next change of the files those in its directory
 * are certd's own, and the moment of its end is returned; else 0.
 */
void deployment_copied(struct deployments *all, const char *target, const char *cert);
uint64_t deployment_own(
	const struct deployments *all, const char *target, const char *cert, uint64_t dir);

/* The moment at which a check or a reload begins. */
uint64_t deployment_moment(struct deployments *all);

/* A check or a reload of the target that began at `moment` has ended well. */
void deployment_checked(struct deployments *all, const char *target, uint64_t moment);
void deployment_reloaded(struct deployments *all, const char *target, uint64_t moment);

/* Has the server read the files that lie there?  0, or -1 and what is missing. */
int deployment_check(
	const struct deployments *all, const char *target, const char *cert, struct err *err);

/* The files are confirmed: the entry ends. */
void deployment_forget(struct deployments *all, const char *target, const char *cert);

void deployments_done(struct deployments *all);

#endif
