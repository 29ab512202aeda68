/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_CLOCK_WATCH_H
#define CERTD_DAEMON_JOB_CLOCK_WATCH_H

#include <stdbool.h>

#include "daemon/cert/clock_judge.h"
#include "daemon/job/fleet.h"
#include "lib/task/loop.h"

struct acme;

/*
 * Gathers what is known of the time, has it judged (daemon/cert/clock_judge.h), and tells those
 * for whom the verdict matters: the fleet, whose plans get it; the ACME client, which places
 * one order per CA; and the keeper, which deletes nothing.
 *
 * The evidence is the Date of CAs, counted on by the time since boot, so that a clock that is
 * set is contradicted before anything is asked; the latest moment of all facts; the latest
 * notBefore that an ACME CA wrote; and the kernel's word, which the keeper tells by a note
 * whenever it hears a verdict.  It is judged anew when any of it changes, when the clock was
 * set, and every minute while there is a doubt.
 */

struct clock_watch {
	struct fleet *fleet;
	struct fleet_follower follower;
	struct acme *acme;
	struct timer timer;
	struct tick begun, before_since;
	struct instant stored, issued;
	bool is_synced, is_asked; /* the kernel's word, and whether it is still to come */
	bool is_told;             /* the last event told of a doubt */
	bool is_before;           /* before_since is set */
	bool is_open;             /* judging has begun: the facts are there */
};

/* `fleet` and `acme` are borrowed, and call back. */
void clock_watch_init(struct clock_watch *watch, struct fleet *fleet, struct acme *acme);
void clock_watch_done(struct clock_watch *watch); /* zeroed is fine */

/* The facts of the store are there: judges from now on, first before anything is planned. */
void clock_watch_open(struct clock_watch *watch);

/* The kernel's word is there. */
void clock_watch_synced(struct clock_watch *watch, bool is_synced);

#endif
