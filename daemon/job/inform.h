/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_INFORM_H
#define CERTD_DAEMON_JOB_INFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/job/fleet.h"
#include "lib/base/heap.h"
#include "lib/base/list.h"
#include "lib/task/loop.h"

struct acme;

/*
 * Asks CAs when their certificates should be renewed (RFC 9773), and has the keeper keep the
 * answers.
 *
 * Every certificate whose current version came from an ACME CA stands in one heap, keyed by
 * when that CA is to be asked again; a wake-up looks at those that are due and at no others.
 * Not asked is for what is expired, not active, or must not be renewed by itself, nor with
 * `ari: false`.  A few requests run side by side, each a task: the version's name in renewal
 * information from the keeper, the directory, one plain GET, the answer to the keeper as a
 * fact.  The plan follows the facts.
 *
 * Nothing here ever fails anything: without an answer the renewal curve decides.  A CA that
 * gives none is left alone for a time that doubles, for all its certificates together.
 */

enum { INFORM_SIDE_BY_SIDE = 16 };

struct informer {
	struct fleet *fleet;
	struct fleet_follower follower;
	struct acme *acme;
	struct heap queue; /* cert->inform */
	struct timer timer;
	struct list checks; /* struct check, running */
	struct list silent; /* struct silence, of CAs that gave no answer lately */
	unsigned n_checks;
	bool is_stopping;
	void (*idle)(void *data);
	void *data;
};

/* The caller has informer->follower follow the fleet. */
void informer_init(struct informer *informer, struct fleet *fleet, struct acme *acme);

/* Something about the certificate changed: when is its CA to be asked? */
void informer_look(struct informer *informer, struct cert *cert);

/* Ends what runs; calls `idle` when nothing runs any more, at once when nothing does. */
void informer_stop(struct informer *informer, void (*idle)(void *data), void *data);
void informer_done(struct informer *informer); /* zeroed is fine; nothing runs */

#endif
