/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_POWER_TOLD_H
#define CERTD_TESTS_POWER_TOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct life;

/*
 * Told lines: the store, the accounts and the journal as lines "KEY TAB VALUE", taken at each moment at which
 * something was told.  Whatever a power cut takes, the next life has to find each value as it was at the last told
 * moment, or as it was going to be at the next.
 */

/* Appends all lines; the trace is paused meanwhile. */
void told_look(struct life *life, struct buf *out);

/*
 * Compares what is found with the told moments before and after the cut (`after` may be NULL: nothing followed).
 * False and what is wrong in `why`.
 */
bool told_is_kept(const struct buf *found, const struct buf *before, const struct buf *after,
	struct buf *why);

/*
 * Is it what was found at one moment of an undisturbed run, with all its values at once?  Versions that no link
 * names may be there or not: several of them are deleted one by one.
 */
bool told_is_moment(const struct buf *found, const struct buf *moment);

#endif
