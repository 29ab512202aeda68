/* SPDX-License-Identifier: MIT */
#include "daemon/cert/renewal.h"

#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/conf/curve.h"
#include "lib/base/str.h"

/* How far notBefore may lie before the moment of issue: CAs backdate by up to an hour. */
#define BACKDATE_MAX HOURS(2)
#define SELF_SIGNED_LEFT DAYS(15)
#define OFFSET_MAX MINUTES(5)
/*
 * A CA's wish does not come true sooner after the issue, nor with less than this part of a life
 * left.
 */
#define ARI_NOT_WITHIN MINUTES(10)
#define ARI_FLOOR 20

struct instant version_issued(const struct version_facts *version)
{
	struct instant latest = instant_add(version->not_before, BACKDATE_MAX);

	if (instant_before(version->created, version->not_before) ||
		instant_before(latest, version->created))
		return version->not_before;
	return version->created;
}

struct duration version_life(const struct version_facts *version)
{
	return duration_max(
		instant_since(version->not_after, version_issued(version)), SECONDS(1));
}

bool version_is_early(const struct version_facts *version, struct instant now)
{
	return version_is_set(&version->id) && instant_before(now, version->not_before);
}

bool version_is_expired(const struct version_facts *version, struct instant now)
{
	return version_is_set(&version->id) && version->not_after.s <= now.s;
}

struct duration renewal_left(const struct renew_conf *renew, struct duration life)
{
	return renew_conf_left(renew, life);
}

struct duration renewal_reserve(struct duration life)
{
	return duration_max(SECONDS(life.s / 8), duration_min(HOURS(20), SECONDS(life.s / 4)));
}

struct duration renewal_stable(
	const char *cert, uint32_t generation, enum stable use, struct duration width)
{
	uint64_t x = str_hash(cert, strlen(cert));

	if (width.s <= 0)
		return SECONDS(0);
	/*
	 * The finalizer of splitmix64: neighbouring generations must not give neighbouring
	 * times.
	 */
	x += ((uint64_t)generation << 8 | (uint64_t)use) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return SECONDS((int64_t)(x % (uint64_t)width.s));
}

static bool is_self_signed_leaf(const struct cert_conf *conf)
{
	return !conf->is_ca && conf->n_cas > 0 && cert_conf_ca(conf, 0) == CA_SELF;
}

struct instant renewal_moment(const struct cert_conf *conf, const struct version_facts *version)
{
	struct duration life = version_life(version), left = renewal_left(conf->renew, life);
	struct duration spread = conf->renew->spread, least, offset, jitter;
	struct instant moment, earliest, latest;

	if (is_self_signed_leaf(conf))
		left = duration_min(left, SELF_SIGNED_LEFT);
	offset = renewal_stable(conf->name, version->generation, STABLE_OFFSET,
		duration_min(OFFSET_MAX, SECONDS(life.s / 200)));
	jitter = renewal_stable(conf->name, version->generation, STABLE_SPREAD,
		SECONDS(spread.s > 0 ? 2 * spread.s + 1 : 0));
	moment = instant_sub(version->not_after, left);
	moment = instant_add(moment, SECONDS(jitter.s - spread.s + offset.s));

	least = duration_min(left, renewal_reserve(life));
	latest = instant_sub(version->not_after, SECONDS(least.s / 2));
	earliest = instant_add(version_issued(version), SECONDS(life.s / 16));
	return instant_max(earliest, instant_min(latest, moment));
}

/* Renewal information counts for the version that it was given for. */
static bool has_window(const struct cert_conf *conf, const struct cert_facts *facts)
{
	return conf->renew->ari && instant_is_set(facts->ari.moment) &&
	       version_id_equal(&facts->ari.of, &facts->curr.id);
}

struct instant renewal_of_curr(
	const struct cert_conf *conf, const struct cert_facts *facts, bool *by_ca)
{
	const struct version_facts *curr = &facts->curr;
	struct instant earliest, latest, moment;
	struct duration life;
	bool ignored;

	by_ca = by_ca ? by_ca : &ignored;
	*by_ca = has_window(conf, facts);
	if (!*by_ca)
		return renewal_moment(conf, curr);
	life = version_life(curr);
	earliest = instant_add(
		version_issued(curr), duration_min(ARI_NOT_WITHIN, SECONDS(life.s / 16)));
	latest = instant_sub(curr->not_after, SECONDS(life.s / ARI_FLOOR));
	moment = instant_max(earliest, facts->ari.moment);
	*by_ca = !instant_before(latest, moment);
	return instant_min(latest, moment);
}

struct instant renewal_late(const struct version_facts *version, struct instant moment)
{
	struct duration half = SECONDS(instant_since(version->not_after, moment).s / 2);

	return instant_max(instant_add(moment, half),
		instant_sub(version->not_after, renewal_reserve(version_life(version))));
}
