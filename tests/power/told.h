/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_TOLD_H
#define CERTD_TESTS_POWER_TOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct life;

/*
 * A told line describes one value of the store, the accounts or the journal as "KEY TAB VALUE".
 * All are taken at each moment at which a message leaves the process. After any power cut, the
 * next life must find each value as it was at the last told moment, or as it is at the next.
 */

/* Appends all lines; the trace is paused meanwhile. */
void told_look(struct life *life, struct buf *out);

/*
 * Compares the lines found with those of the told moments before and after the cut (`after` may
 * be NULL: no later one). False and the difference in `why`.
 */
bool told_is_kept(const struct buf *found, const struct buf *before, const struct buf *after,
	struct buf *why);

/*
 * Do the lines found equal those of one moment of an undisturbed run, all values together?
 * Versions without a link may be there or not: they are deleted one by one.
 */
bool told_is_moment(const struct buf *found, const struct buf *moment);

#endif
