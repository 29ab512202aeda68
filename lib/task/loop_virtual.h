/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_TASK_LOOP_VIRTUAL_H
#define CERTD_LIB_TASK_LOOP_VIRTUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/instant.h"

struct loop;

/*
 * What a test may do to virtual time, beside lib/task/loop.h and lib/base/clock.h, which
 * loop_virtual.c both implements.  Time stands still while anything can happen at its present
 * moment and then jumps to the next timer.
 */

/* Where the wall clock starts, for the loops made from now on. */
void virtual_start(struct instant wall);

/* Runs until nothing more happens at or before this wall time, and leaves the clocks there. */
void virtual_run_until(struct loop *loop, struct instant wall);

/* Runs one step: the next round of ready tasks, or the next timer.  False when there is none. */
bool virtual_step(struct loop *loop, struct instant limit);

/* Sets the wall clock as an administrator would; time since boot does not jump. */
void virtual_set_wall(struct loop *loop, struct instant wall);

/* What the kernel says of its clock; at the start it is synchronised. */
void virtual_synced(bool is_synced);

/* Lets both clocks pass without running anything, as during suspend. */
void virtual_suspend(struct duration d);

/* Steps taken since virtual_start(), so that sweeps can name a moment. */
uint64_t virtual_steps(void);

#endif
