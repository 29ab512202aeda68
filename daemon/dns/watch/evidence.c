/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/evidence.h"

#include <assert.h>

#include "lib/base/attr.h"
#include "lib/wire/dns_message.h"

/* The rest that an authorization must have when the CA is asked to look. */
#define RESERVE MINUTES(5)

static const char *const words[] = {
#define SIGHT(id, word, help) word,
#include "proto/observations.def"
#undef SIGHT
};

const char *sight_text(enum sight sight)
{
	return words[sight];
}

int64_t evidence_ramp_s(unsigned n)
{
	static const int64_t ramp[] = { 3, 5, 8, 13, 20, 30 };

	return n < ARRAY_LEN(ramp) ? ramp[n] : 60;
}

bool sight_is_proper(enum sight sight)
{
	switch (sight) {
	case SIGHT_MATCH:
	case SIGHT_OLDER:
	case SIGHT_OTHER:
	case SIGHT_NODATA:
	case SIGHT_NXDOMAIN:
		return true;
	default:
		return false;
	}
}

static bool lacks_it(enum sight sight)
{
	return sight_is_proper(sight) && sight != SIGHT_MATCH;
}

void witness_note(struct witness *witness, enum sight sight, struct instant now)
{
	assert(sight != SIGHT_UNASKED && sight < SIGHT_COUNT);
	/* How it lacks the value may vary from round to round; that it does is what lasts. */
	if (witness->sight != sight && !(lacks_it(witness->sight) && lacks_it(sight)))
		witness->since = now;
	if (witness->proper == SIGHT_MATCH && lacks_it(sight))
		witness->has_wavered = true;
	witness->streak = sight == SIGHT_MATCH ? witness->streak + 1 : 0;
	witness->silent = sight_is_proper(sight) ? 0 : witness->silent + 1;
	if (sight_is_proper(sight))
		witness->proper = sight;
	witness->sight = sight;
	witness->last = now;
	witness->asked++;
}

static bool is_own(const struct witness *witness)
{
	return witness->role != ROLE_EXTRA;
}

/* Will a CA ask it?  A hidden primary is asked by nobody but us. */
static bool is_public(const struct witness *witness)
{
	return witness->role == ROLE_AUTHORITATIVE ||
	       (witness->role == ROLE_PRIMARY && witness->is_listed);
}

/* What is known of the zone's own servers. */
struct state {
	size_t n_own, n_public, n_extras;
	size_t n_matching;        /* of those a CA asks; of the primary when it asks none */
	size_t n_with, n_without; /* of those that answered in the last round */
};

static struct state look(const struct witness *witnesses, size_t n)
{
	struct state state = { .n_own = 0 };

	for (size_t i = 0; i < n; i++) {
		state.n_own += is_own(&witnesses[i]);
		state.n_public += is_public(&witnesses[i]);
		state.n_extras += !is_own(&witnesses[i]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		if (!is_own(w))
			continue;
		state.n_with += w->sight == SIGHT_MATCH;
		state.n_without += lacks_it(w->sight);
		state.n_matching +=
			w->sight == SIGHT_MATCH && (is_public(w) || state.n_public == 0);
	}
	return state;
}

/* Is an answer worth waiting for?  Another round gives this machine no route. */
static bool may_come_back(const struct witness *witness)
{
	return witness->sight != SIGHT_NO_ROUTE && witness->silent < SILENT_ROUNDS;
}

/*
 * The seconds until one of the zone's own is to be asked again because it blocks; 0: it does
 * not.
 */
static int64_t own_wait_s(
	const struct witness *witness, const struct state *state, unsigned round)
{
	bool needs_streak = witness->is_anycast || witness->has_wavered;

	/* One that was found only now is not to wait like those that are known to lag. */
	if (witness->asked == 0)
		return evidence_ramp_s(0);
	if (lacks_it(witness->proper) || state->n_matching == 0)
		return evidence_ramp_s(round);
	if (witness->sight == SIGHT_MATCH)
		return needs_streak && witness->streak < STREAK ? evidence_ramp_s(1) : 0;
	return may_come_back(witness) ? evidence_ramp_s(witness->silent) : 0;
}

/* The same for all of them: the slowest decides, the others lose nothing by waiting for it. */
static int64_t wait_s(const struct witness *witnesses, size_t n, const struct state *state,
	unsigned round, const struct evidence_policy *policy, struct instant now)
{
	int64_t wait = 0;
	struct duration delay =
		instant_since(instant_add(policy->published, policy->delay), now);

	if (state->n_own == 0)
		return delay.s > 0 ? delay.s : 0;
	for (size_t i = 0; i < n; i++) {
		int64_t own =
			is_own(&witnesses[i]) ? own_wait_s(&witnesses[i], state, round) : 0;

		wait = own > wait ? own : wait;
	}
	return wait;
}

static bool extra_blocks(const struct witness *witness, const struct evidence_policy *policy)
{
	if (witness->asked == 0)
		return true;
	if (!policy->extra_required || witness->sight == SIGHT_MATCH)
		return false;
	return sight_is_proper(witness->sight) || may_come_back(witness);
}

/*
 * When an extra may be asked: at once, also when the clock was set back, or when its cache
 * has forgotten.
 */
static struct instant extra_due(const struct witness *witness, struct instant now)
{
	int64_t ttl;

	if (witness->asked == 0 || instant_before(now, witness->last))
		return now;
	if (!sight_is_proper(witness->sight))
		return instant_add(witness->last, SECONDS(evidence_ramp_s(witness->silent)));
	ttl = witness->sight == SIGHT_NODATA || witness->sight == SIGHT_NXDOMAIN
		      ? (int64_t)witness->negative_ttl
		      : (int64_t)witness->ttl;
	ttl = ttl >= EXTRA_PAUSE_S ? EXTRA_PAUSE_S : ttl + 1;
	return instant_add(
		witness->last, duration_max(SECONDS(ttl), SECONDS(evidence_ramp_s(0))));
}

/* The moment to ask the next extra that blocks; INSTANT_NEVER: none does. */
static struct instant extras_due(const struct witness *witnesses, size_t n,
	const struct evidence_policy *policy, struct instant now)
{
	struct instant due = INSTANT_NEVER;

	for (size_t i = 0; i < n; i++)
		if (!is_own(&witnesses[i]) && extra_blocks(&witnesses[i], policy))
			due = instant_min(due, extra_due(&witnesses[i], now));
	return due;
}

static struct instant limit_of(const struct evidence_policy *policy)
{
	struct instant limit = instant_add(policy->published, policy->deadline);

	return instant_is_set(policy->expires)
		       ? instant_min(limit, instant_sub(policy->expires, RESERVE))
		       : limit;
}

bool evidence_is_late(const struct evidence_policy *policy, struct instant now)
{
	return !instant_before(now, limit_of(policy));
}

struct judgement evidence_judge(const struct witness *witnesses, size_t n, unsigned round,
	const struct evidence_policy *policy, struct instant now)
{
	struct state state = look(witnesses, n);
	struct judgement judgement = { .verdict = VERDICT_WAIT };
	struct instant limit = limit_of(policy);
	int64_t wait;

	judgement.is_unpublished = state.n_without > 0 && state.n_with == 0;
	wait = wait_s(witnesses, n, &state, round, policy, now);
	judgement.again = instant_add(now, SECONDS(wait));
	if (round == 0 && n > 0)
		judgement.again = instant_add(instant_add(policy->published, policy->delay),
			SECONDS(evidence_ramp_s(0)));
	if (wait == 0) {
		struct instant due = extras_due(witnesses, n, policy, now);

		judgement.ask_extras = state.n_extras > 0;
		if (due.s == INSTANT_NEVER.s)
			judgement.verdict = VERDICT_SEEN;
		else if (round > 0)
			judgement.again = due;
	}
	/* What everybody shows is not late for having been looked at last in the last moment. */
	if (judgement.verdict == VERDICT_WAIT && !instant_before(now, limit))
		judgement.verdict = VERDICT_LATE;
	if (instant_is_set(policy->expires) && !instant_before(now, policy->expires))
		judgement.verdict = VERDICT_LATE;
	judgement.again = instant_max(now, instant_min(judgement.again, limit));
	return judgement;
}

bool witness_is_due(
	const struct witness *witness, const struct judgement *judgement, struct instant now)
{
	if (is_own(witness))
		return witness->sight != SIGHT_MATCH || instant_before(now, witness->last) ||
		       instant_since(now, witness->last).s >= evidence_ramp_s(0);
	return judgement->ask_extras && witness->sight != SIGHT_MATCH &&
	       !instant_before(now, extra_due(witness, now));
}

static bool is_newer(const struct witness *a, const struct witness *b)
{
	if (is_own(a) != is_own(b))
		return is_own(a);
	if (a->has_serial && b->has_serial && a->serial != b->serial)
		return dns_serial_is_behind(b->serial, a->serial);
	return a->role == ROLE_PRIMARY && b->role != ROLE_PRIMARY;
}

void evidence_compare(struct witness *witnesses, size_t n)
{
	const struct witness *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (sight_is_proper(witnesses[i].sight) &&
			(!best || is_newer(&witnesses[i], best)))
			best = &witnesses[i];
	for (size_t i = 0; i < n; i++) {
		struct witness *w = &witnesses[i];

		w->is_compared = true;
		w->agrees = best && sight_is_proper(w->sight) && w->content == best->content;
		if (!sight_is_proper(w->sight))
			continue;
		if (w->agrees)
			w->sight = w->content ? SIGHT_MATCH : w->sight;
		else if (is_own(w) && w->has_serial && best->has_serial &&
			 dns_serial_is_behind(w->serial, best->serial))
			w->sight = SIGHT_OLDER;
		else if (w->content)
			w->sight = SIGHT_OTHER;
	}
}
