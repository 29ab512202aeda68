/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_LOOP_VIRTUAL_H
#define CERTD_LIB_TASK_LOOP_VIRTUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/instant.h"

struct loop;

/*
 * The virtual time of tests is moved by these functions, beside lib/task/loop.h and
 * lib/base/clock.h, which loop_virtual.c and
 * clock_virtual.c implement. Time stands still while anything can
 * happen at the present moment and then jumps to the next timer.
 */

/* Sets the wall clock at which loops made from now on start. */
void virtual_start(struct instant wall);

/* Runs everything due at or before this wall time, and leaves the clocks there. */
void virtual_run_until(struct loop *loop, struct instant wall);

/* Runs one step: the next round of ready tasks, or the next timer.  False when there is none. */
bool virtual_step(struct loop *loop, struct instant limit);

/* Sets the wall clock as an administrator does; time since boot does not jump. */
void virtual_set_wall(struct loop *loop, struct instant wall);

/* Sets the result of clock_is_synced(); true at the start. */
void virtual_synced(bool is_synced);

/* Advances both clocks without running anything, as during suspend. */
void virtual_suspend(struct duration d);

/* The steps since virtual_start(), so that sweeps can name a moment. */
uint64_t virtual_steps(void);

#endif
