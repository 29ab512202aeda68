/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_TIDY_H
#define CERTD_DAEMON_JOB_TIDY_H

#include "daemon/link/keeper.h"
#include "lib/task/loop.h"

struct fleet;

/*
 * Asks the keeper, once the facts are there and then once a day, to tidy up after deploys: one
 * request after another, and only for certificates whose facts say that there is something
 * (target_wants_tidying()).  A deploy of such a certificate asks as well.
 */

struct tidier {
	struct fleet *fleet;
	struct task task;
	struct keeper_op keeper;
	struct timer timer;
	size_t at; /* the place in the configuration */
	bool is_running, is_stopping;
};

/* `fleet` is borrowed. */
void tidier_init(struct tidier *tidier, struct fleet *fleet);
void tidier_done(struct tidier *tidier); /* zeroed is fine */

/* Begins a round, or begins the one under way anew: the facts or the configuration are new. */
void tidier_start(struct tidier *tidier);
void tidier_stop(struct tidier *tidier);

#endif
