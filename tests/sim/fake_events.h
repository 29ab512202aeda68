/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_FAKE_EVENTS_H
#define CERTD_TESTS_SIM_FAKE_EVENTS_H

#include "daemon/keeper/loop/events.h"
#include "lib/task/loop.h"

/*
 * The keeper's event loop on virtual time: only its timers, which is all that the keeper's own code of
 * challenges needs.  Descriptors, children and signals do not exist here.
 */

struct fake_events {
	struct events events;
	struct loop *loop;
	struct timer timer;
};

void fake_events_init(struct fake_events *fake, struct loop *loop);
void fake_events_done(struct fake_events *fake);

#endif
