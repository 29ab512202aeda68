/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_CLOCK_H
#define CERTD_LIB_BASE_CLOCK_H

#include "lib/base/instant.h"

/*
 * The clocks are a seam: clock_real.c asks the kernel, lib/task/clock_virtual.c keeps a time
 * that tests move. No other file calls time(), clock_gettime() or gettimeofday(); tests/lint
 * checks it.
 */

/* The wall clock, CLOCK_REALTIME. */
struct instant clock_now(void);

/* Time since boot, suspend included, CLOCK_BOOTTIME; never goes back. */
struct tick clock_tick(void);

/*
 * Does the kernel consider its wall clock synchronised (adjtimex)? False also where the call is
 * not permitted. A clock set by hand counts as unsynchronised until a time service adjusts it.
 */
bool clock_is_synced(void);

#endif
