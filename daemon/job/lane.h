/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_LANE_H
#define CERTD_DAEMON_JOB_LANE_H

#include "daemon/job/runner.h"

/*
 * The lanes of the runner (struct lane, in runner.h): which one a job belongs to, whether it
 * has room, and what waits there, ordered by cert_deadline().  For runner.c alone.
 */

void lanes_init(struct runner *runner);
void lanes_done(struct runner *runner);

struct lane *lane_of(struct runner *runner, enum job_kind kind, const struct cert *cert);
/* While the clock is doubted an ACME CA gets one order at a time. */
bool lane_has_room(const struct runner *runner, const struct lane *lane);
void lane_queue(
	struct runner *runner, struct lane *lane, struct cert *cert, enum action action);

#endif
