/* SPDX-License-Identifier: MIT */
#include "daemon/acme/health.h"

#include "lib/base/err.h"

enum {
	FIRST_MS = 60 * 1000,
	LONGEST_MS = 30 * 60 * 1000,
	PROBE_MS = 10 * 60 * 1000, /* a probe that tells nothing for so long is forgotten */
	BACK_MS = 10 * 60 * 1000,
};

static const char *const states[] = { "up", "back", "down", "probe" };

const char *ca_state_text(enum ca_state state)
{
	return states[state];
}

enum ca_state health_state(const struct ca_health *health, struct tick tick)
{
	if (health->until.ms != 0)
		return health->until.ms > tick.ms ? CA_DOWN : CA_PROBE;
	return health->closed.ms != 0 && tick.ms - health->closed.ms < BACK_MS ? CA_BACK
									       : CA_UP;
}

struct instant health_opens(
	const struct ca_health *health, struct tick tick, struct instant now)
{
	if (health_state(health, tick) != CA_DOWN)
		return INSTANT_NONE;
	return instant_add(now, SECONDS((health->until.ms - tick.ms) / 1000 + 1));
}

bool health_is_the_cas(const struct err *err)
{
	switch (err->code) {
	case ERR_CONNECT:
	case ERR_PROXY:
	case ERR_TLS:
	case ERR_HTTP:
	case ERR_TIMEOUT:
	case ERR_BAD_ANSWER:
	case ERR_FOREIGN_URL:
	case ERR_CA_FAILED:
	case ERR_CA_DOWN:
	case ERR_RATE_LIMITED:
		return true;
	default:
		return false;
	}
}

static bool is_probing(const struct ca_health *health, struct tick tick)
{
	return health->probed.ms != 0 && tick.ms - health->probed.ms < PROBE_MS;
}

bool health_allows(struct ca_health *health, const char *ca, struct tick tick,
	struct instant now, struct err *err)
{
	enum ca_state state = health_state(health, tick);

	if (state == CA_UP || state == CA_BACK)
		return true;
	if (state == CA_PROBE && !is_probing(health, tick)) {
		health->probed = tick;
		return true;
	}
	err_set(err, ERR_CA_DOWN, "the CA %s failed %u times in a row, last: %s", ca,
		health->failures, health->last.text);
	err->not_before = state == CA_DOWN ? health_opens(health, tick, now)
					   : instant_add(now, MINUTES(1));
	return false;
}

/* How long it is left alone after so many failures in a row. */
static int64_t wait_ms(const struct ca_health *health)
{
	int64_t ms = FIRST_MS;

	for (unsigned i = HEALTH_TRIES; i < health->failures && ms < LONGEST_MS; i++)
		ms *= 2;
	return ms > LONGEST_MS ? LONGEST_MS : ms;
}

/* Such errors have a time only from the CA's Retry-After. */
static int64_t asked_ms(const struct err *err, struct instant now)
{
	return instant_is_set(err->not_before)
		       ? duration_min(instant_since(err->not_before, now), DAYS(1)).s * 1000
		       : 0;
}

static struct tick later(struct tick a, struct tick b)
{
	return a.ms > b.ms ? a : b;
}

static void close_breaker(struct ca_health *health, struct tick tick)
{
	if (health->until.ms != 0)
		health->closed = tick;
	health->failures = 0;
	health->until = health->asked = health->probed = (struct tick){ 0 };
	health->last = (struct err)ERR_INIT;
}

void health_look_anew(struct ca_health *health, struct tick tick)
{
	struct tick over = later(tick, health->asked);

	if (health->until.ms > over.ms)
		health->until = over;
}

bool health_note(
	struct ca_health *health, const struct err *err, struct tick tick, struct instant now)
{
	bool was_down = health->until.ms != 0, is_late;
	struct tick asked, until;

	if (!err || !err_is_set(err)) {
		close_breaker(health, tick);
		return false;
	}
	/*
	 * It answered, so it is there; a cancellation, a fault of ours or of a name server
	 * tells nothing.
	 */
	if ((err_code_class(err->code) == CLASS_REFUSED && !health_is_the_cas(err) &&
		    err->code != ERR_ZONE_REFUSED) ||
		err->code == ERR_RATE_LIMITED) {
		close_breaker(health, tick);
		return false;
	}
	if (!health_is_the_cas(err) || err->code == ERR_CA_DOWN) {
		health->probed = (struct tick){ 0 };
		return false;
	}
	/* Orders that ran when the breaker opened tell what is known, and are no tries in vain. */
	is_late = health->until.ms > tick.ms;
	health->failures += !is_late;
	health->last = *err;
	health->probed = (struct tick){ 0 };
	if (health->failures < HEALTH_TRIES)
		return false;
	asked = (struct tick){ tick.ms + asked_ms(err, now) };
	until = later((struct tick){ tick.ms + wait_ms(health) }, asked);
	health->asked = is_late ? later(asked, health->asked) : asked;
	health->until = is_late ? later(until, health->until) : until;
	return !was_down;
}
