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
 * checks and after_copy of each target, and each hook.  A stolen engine is held to it.  An
 * honest one rarely meets it, because several waves of all certificates fit, and then waits
 * its turn: a burst fails nothing.
 *
 * Each key has RUN_PACE_BURST runs and RUN_PACE_EACH more for each certificate.
 * RUN_PACE_MINUTE runs come back each minute, and one more for each certificate, because
 * certificates may live for minutes.  A run that comes too early is promised the next free
 * moment, up to RUN_PACE_WAIT_MS ahead.  Runs beyond that are refused.  Keys come from the
 * configuration only, so their number is bounded by it.
 */

enum {
	RUN_PACE_BURST = 20,
	RUN_PACE_EACH = 4,
	RUN_PACE_MINUTE = 60,
	RUN_PACE_WAIT_MS = 60000,
};

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

/*
 * Takes one run of at most `burst`, if need be a later one: returns in how many ms it may begin; -1
 * when that would be more than `wait_ms`.
 */
int64_t pace_promise(struct pace_bucket *bucket, int64_t burst, int64_t each_ms,
	int64_t wait_ms, struct tick now);

struct run_pace {
	struct map keys; /* "check TARGET", "hook NAME" ... */
};

/*
 * Takes one run of `what` of `name`, which may begin in so many ms.  -1 with ERR_RATE_LIMITED when
 * all turns are promised.
 */
int64_t run_pace_take(struct run_pace *pace, const char *what, const char *name, size_t n_certs,
	struct tick now, struct err *err);

void run_pace_done(struct run_pace *pace);

#endif
