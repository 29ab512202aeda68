#include "daemon/acme/health.h"

#include "lib/base/err.h"

enum { FIRST_MS = 60 * 1000, LONGEST_MS = 60 * 60 * 1000, PROBE_MS = 10 * 60 * 1000 };

bool health_is_the_cas(const struct err *err)
{
	switch (err->code) {
	case ERR_CONNECT:
	case ERR_TLS:
	case ERR_HTTP:
	case ERR_TIMEOUT:
	case ERR_BAD_ANSWER:
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
	int64_t left_ms = health->until.ms - tick.ms;

	if (health->until.ms == 0)
		return true;
	if (left_ms <= 0 && !is_probing(health, tick)) {
		health->probed = tick;
		return true;
	}
	err_set(err, ERR_CA_DOWN, "the CA %s failed %u times in a row, last: %s", ca,
		health->failures, health->last.text);
	err->not_before = instant_add(now, SECONDS(left_ms > 0 ? left_ms / 1000 + 1 : 30));
	return false;
}

void health_note(
	struct ca_health *health, const struct err *err, struct tick tick, struct instant now)
{
	int64_t wait_ms = FIRST_MS;

	if (err && err_is_set(err) && !health_is_the_cas(err)) {
		/* It answered, so it is there; a cancellation tells nothing. */
		if (err_code_class(err->code) == CLASS_REFUSED)
			*health = (struct ca_health){ .failures = 0 };
		health->probed = (struct tick){ 0 };
		return;
	}
	if (!err || !err_is_set(err)) {
		*health = (struct ca_health){ .failures = 0 };
		return;
	}
	if (err->code == ERR_CA_DOWN || err->code == ERR_RATE_LIMITED)
		return;
	health->failures++;
	health->last = *err;
	health->probed = (struct tick){ 0 };
	if (health->failures < HEALTH_TRIES)
		return;
	for (unsigned i = HEALTH_TRIES; i < health->failures && wait_ms < LONGEST_MS; i++)
		wait_ms *= 2;
	if (wait_ms > LONGEST_MS)
		wait_ms = LONGEST_MS;
	if (instant_is_set(err->not_before))
		wait_ms = instant_since(err->not_before, now).s * 1000 > wait_ms
				  ? instant_since(err->not_before, now).s * 1000
				  : wait_ms;
	health->until = (struct tick){ tick.ms + wait_ms };
}
