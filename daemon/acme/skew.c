/* SPDX-License-Identifier: MIT */
#include "daemon/acme/skew.h"

enum { CHANGED_MS = 60 * 60 * 1000, AGAIN_MS = 24 * CHANGED_MS };

static bool is_far(struct duration a, struct duration b)
{
	return a.s - b.s > SKEW_MIN.s || b.s - a.s > SKEW_MIN.s;
}

bool skew_is_known(const struct skew *skew)
{
	return instant_is_set(skew->said);
}

struct duration skew_ahead(const struct skew *skew, struct instant now, struct tick tick)
{
	struct duration since = SECONDS((tick.ms - skew->heard.ms) / 1000);

	return instant_since(instant_add(skew->said, since), now);
}

bool skew_is_wrong(const struct skew *skew)
{
	return is_far(skew->ahead, SECONDS(0));
}

static bool must_tell(const struct skew *skew, struct tick tick)
{
	int64_t ago_ms = tick.ms - skew->told_at.ms;

	if (!skew_is_wrong(skew))
		return false;
	if (!skew->was_told || ago_ms >= AGAIN_MS)
		return true;
	return ago_ms >= CHANGED_MS && is_far(skew->ahead, skew->told);
}

bool skew_note(struct skew *skew, struct instant said, struct duration age, struct instant now,
	struct tick tick)
{
	skew->said = instant_add(said, age);
	skew->heard = tick;
	skew->ahead = skew_ahead(skew, now, tick);
	if (!must_tell(skew, tick))
		return false;
	skew->told = skew->ahead;
	skew->told_at = tick;
	skew->was_told = true;
	return true;
}
