/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_CLOCK_VIRTUAL_H
#define CERTD_LIB_TASK_CLOCK_VIRTUAL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Virtual clocks are what clock_virtual.c shows as lib/base/clock.h and loop_virtual.c moves. They
 * are in milliseconds, so that both have the timers' resolution.
 */

extern struct virtual_clocks {
	int64_t wall, boot;
	uint64_t steps; /* since virtual_start() */
	bool is_unsynced;
} virtual_clocks;

#endif
