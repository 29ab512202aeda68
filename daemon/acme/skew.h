/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_SKEW_H
#define CERTD_DAEMON_ACME_SKEW_H

#include <stdbool.h>

#include "lib/base/instant.h"

/*
 * A skew is how far our wall clock and a CA's lie apart, by the Date of its answers (RFC 9110,
 * 6.6.1).
 *
 * A wrong clock renews too early or too late and finds good certificates ended or not begun; a
 * CA is evidence that costs nothing.  Up to SKEW_MIN is what slow answers and careless clocks
 * make.  More is told: when it is seen first, when it changes by as much (at most once an hour,
 * because the machines behind one name need not agree), and once a day.  All evidence together
 * decides which clock is right (daemon/cert/clock_judge.h).
 *
 * Pure.  The struct is embedded in struct acme_ca, zeroed.
 */

#define SKEW_MIN MINUTES(5)

struct skew {
	struct instant said;   /* its last Date; NONE: none yet */
	struct tick heard;     /* and when */
	struct duration ahead; /* how far the CA's clock was last; negative: behind */
	struct duration told;
	struct tick told_at;
	bool was_told;
};

bool skew_is_known(const struct skew *skew);

/*
 * How far the CA's clock is ahead of a wall clock that shows `now`: it goes on with the time
 * since boot.
 */
struct duration skew_ahead(const struct skew *skew, struct instant now, struct tick tick);

/* Do they lie further apart than SKEW_MIN? */
bool skew_is_wrong(const struct skew *skew);

/*
 * An answer with the Date `said` came at `now`.  `age` is how long a cache kept it (RFC 9111,
 * 5.1).  True when it is time to tell.
 */
bool skew_note(struct skew *skew, struct instant said, struct duration age, struct instant now,
	struct tick tick);

#endif
