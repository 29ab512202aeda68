/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_CLOCK_H
#define CERTD_LIB_BASE_CLOCK_H

#include "lib/base/instant.h"

/*
 * The clocks, as a seam: clock_real.c asks the kernel, lib/task/loop_virtual.c keeps a
 * time that tests move.  Nothing else in the tree calls time(), clock_gettime() or
 * gettimeofday(); tests/lint checks it.
 */

/* The wall clock, CLOCK_REALTIME. */
struct instant clock_now(void);

/* Time since boot, suspend included, CLOCK_BOOTTIME; never goes back. */
struct tick clock_tick(void);

/*
 * Does the kernel hold its wall clock for synchronised (adjtimex)?  False also where it may not be asked.
 * A clock that was set by hand is not, until a time service takes it over again.
 */
bool clock_is_synced(void);

#endif
