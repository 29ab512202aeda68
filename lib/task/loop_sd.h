/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_LOOP_SD_H
#define CERTD_LIB_TASK_LOOP_SD_H

struct loop;
struct sd_event;

/*
 * The loop on sd-event is the keeper's, which links libsystemd and may link no library that could
 * talk to the network.  Connections of sd-bus attach to its event loop.
 */

/* The event loop below; owned by the loop. */
struct sd_event *loop_sd_event(struct loop *loop);

#endif
