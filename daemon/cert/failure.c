/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

#include "daemon/cert/renewal.h"
#include "daemon/conf/conf.h"
#include "lib/base/attr.h"

/* Waits after the first, second ... failure in a row. */
static const struct duration waits[] = { { 60 }, { 600 }, { 3600 }, { 14400 }, { 43200 },
	{ 86400 } };

/* The longest limit that is known lasts a week; a wish for months is not granted. */
#define WISH_MAX DAYS(8)

/* Where nothing valid is held a wrong Retry-After must not keep a service down for days. */
#define WISH_MAX_BARE HOURS(12)

/*
 * A limit, and a CA counted as down, name the time of the next try; asking then is cheap, and
 * more steps would save nothing.
 */
enum { STEPS_OF_LIMIT = 2, STEPS_OF_CA = 3 };

/*
 * Trouble of the CA says nothing about this certificate, however many failures it has counted:
 * once the CA is well no certificate waits for a day.  The pace of requests to a CA is kept for
 * all at once (daemon/acme/health.h).
 */
static bool is_the_cas(enum err_code code)
{
	switch (code) {
	case ERR_CONNECT:
	case ERR_PROXY:
	case ERR_TLS:
	case ERR_HTTP:
	case ERR_TIMEOUT:
	case ERR_BAD_ANSWER:
	case ERR_CA_FAILED:
	case ERR_ACCOUNT_LOST:
		return true;
	default:
		return false;
	}
}

static size_t steps_of(enum err_code code)
{
	if (err_code_class(code) == CLASS_QUOTA || code == ERR_CA_DOWN)
		return STEPS_OF_LIMIT;
	return is_the_cas(code) ? STEPS_OF_CA : ARRAY_LEN(waits);
}

static struct duration step_after(const struct failure *failure)
{
	size_t n = steps_of(failure->code);
	size_t step = failure->tries ? failure->tries - 1 : 0;

	return waits[step < n ? step : n - 1];
}

/*
 * The ladder is made for certificates that last weeks.  It is halved when little is left, and
 * bounded by a quarter of what is left, so that a certificate of a minute is tried again within
 * seconds and the last tries before any end come ever closer.
 */
static struct duration wait_after(
	const struct failure *failure, const struct version_facts *curr)
{
	enum err_class class = err_code_class(failure->code);
	struct duration wait = step_after(failure);
	struct duration life, left;

	if (!version_is_set(&curr->id))
		return wait;
	life = version_life(curr);
	left = instant_since(curr->not_after, failure->last);
	if (left.s < life.s / 10 && class != CLASS_REFUSED)
		wait.s /= 2;
	if (left.s <= 0 || class == CLASS_REFUSED)
		left = life;
	return duration_max(duration_min(wait, SECONDS(left.s / 4)), SECONDS(1));
}

/* The time that the other side asked for, within bounds. */
static struct instant wish(const struct failure *failure, const struct version_facts *curr)
{
	bool is_bare = !version_is_set(&curr->id) || version_is_expired(curr, failure->last);

	return instant_min(failure->not_before,
		instant_add(failure->last, is_bare ? WISH_MAX_BARE : WISH_MAX));
}

bool failure_counts(const struct failure *failure, uint64_t digest)
{
	uint64_t changed = failure->digest ^ digest;

	/* A limit, and a CA that is down, are the same whatever else is configured. */
	if (err_code_class(failure->code) == CLASS_QUOTA || failure->code == ERR_CA_DOWN)
		changed >>= 32;
	return failure->code != ERR_NONE && (!failure->digest || !digest || !changed);
}

/* The word of a CA about us or the names: asking sooner costs an order and changes nothing. */
static bool is_of_a_ca(enum err_code code)
{
	switch (code) {
	case ERR_CA_FAILED:
	case ERR_CA_REFUSED:
	case ERR_BAD_ANSWER:
	case ERR_FOREIGN_URL:
	case ERR_ACCOUNT_LOST:
	case ERR_ACCOUNT_REFUSED:
	case ERR_NOT_VALIDATED:
	case ERR_CAA:
	case ERR_NAME_REFUSED:
	case ERR_BAD_PROFILE:
	case ERR_BAD_CERT:
	case ERR_BAD_CHAIN:
		return true;
	default:
		return err_code_class(code) == CLASS_QUOTA;
	}
}

const struct failure *failure_holds(
	const struct failure *failure, const struct cert_facts *facts)
{
	bool is_looked_at = failure && instant_is_set(facts->looked) &&
			    !instant_before(facts->looked, failure->last);

	return is_looked_at && !is_of_a_ca(failure->code) ? NULL : failure;
}

const struct failure *cert_failure(const struct cert_conf *conf, const struct cert_facts *facts)
{
	return failure_counts(&facts->failure, conf->issue_digest) ? &facts->failure : NULL;
}

struct instant failure_retry(
	const struct failure *failure, const struct version_facts *curr, struct instant now)
{
	if (!failure || failure->code == ERR_NONE)
		return INSTANT_NONE;
	if (instant_before(now, failure->last))
		return now;
	return instant_max(
		wish(failure, curr), instant_add(failure->last, wait_after(failure, curr)));
}

enum why failure_why(const struct failure *failure, const struct version_facts *curr)
{
	if (!instant_before(
		    instant_add(failure->last, wait_after(failure, curr)), wish(failure, curr)))
		return WHY_BACKOFF;
	if (failure->code == ERR_CA_DOWN)
		return WHY_CA_DOWN;
	return err_code_class(failure->code) == CLASS_QUOTA ? WHY_LIMIT : WHY_RETRY_AFTER;
}
