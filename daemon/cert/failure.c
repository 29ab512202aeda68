#include "daemon/cert/plan.h"

#include "daemon/cert/renewal.h"
#include "lib/base/attr.h"

/* Waits after the first, second ... failure in a row. */
static const struct duration waits[] = { { 60 }, { 600 }, { 3600 }, { 14400 }, { 43200 },
	{ 86400 } };

/*
 * The ladder is made for certificates that last weeks.  It is halved when little is left, and
 * bounded by a quarter of what is left, so that a certificate of a minute is tried again within
 * seconds and the last tries before any end come ever closer.
 */
static struct duration wait_after(
	const struct failure *failure, const struct version_facts *curr)
{
	size_t step = failure->tries ? failure->tries - 1 : 0;
	struct duration wait = waits[step < ARRAY_LEN(waits) ? step : ARRAY_LEN(waits) - 1];
	struct duration life, left;

	if (!version_is_set(&curr->id))
		return wait;
	life = version_life(curr);
	left = instant_since(curr->not_after, failure->last);
	if (left.s < life.s / 10)
		wait.s /= 2;
	wait = duration_min(wait, SECONDS((left.s > 0 ? left.s : life.s) / 4));
	return duration_max(wait, SECONDS(1));
}

struct instant failure_retry(
	const struct failure *failure, const struct version_facts *curr, struct instant now)
{
	if (failure->code == ERR_NONE)
		return INSTANT_NONE;
	if (instant_before(now, failure->last))
		return now;
	return instant_max(
		failure->not_before, instant_add(failure->last, wait_after(failure, curr)));
}
