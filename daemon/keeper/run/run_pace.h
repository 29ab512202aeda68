/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_RUN_PACE_H
#define CERTD_DAEMON_KEEPER_RUN_RUN_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/instant.h"
#include "lib/base/map.h"

struct err;

/*
 * A run pace limits how often the engine may have a program of the configuration run: reloads,
 * checks and after_copy of each target, and each hook.  A stolen engine is held to it; an
 * honest one never meets it, because a wave of all certificates fits, and failures are tried
 * again after their back-off.
 *
 * Each key has RUN_PACE_BURST runs and RUN_PACE_EACH more for each certificate, and gets one
 * back each RUN_PACE_MS.  Keys come from the configuration only, so their number is bounded by
 * it.
 */

enum { RUN_PACE_BURST = 20, RUN_PACE_EACH = 4, RUN_PACE_MS = 1000 };

/*
 * The runs that are left, as the time that gives them back: each run costs its `each_ms` of
 * it.  All zeros: full.
 */
struct pace_bucket {
	int64_t left_ms;
	struct tick seen;
	bool is_used;
};

/*
 * Takes one run of at most `burst`, and returns 0; or the milliseconds after which there is one
 * again.
 */
int64_t pace_take(struct pace_bucket *bucket, int64_t burst, int64_t each_ms, struct tick now);

struct run_pace {
	struct map keys; /* "check TARGET", "hook NAME" ... */
};

/* Takes one run of `what` of `name`.  -1 with ERR_RATE_LIMITED when there is none left. */
int run_pace_take(struct run_pace *pace, const char *what, const char *name, size_t n_certs,
	struct tick now, struct err *err);

void run_pace_done(struct run_pace *pace);

#endif
