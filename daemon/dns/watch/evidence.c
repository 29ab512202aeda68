/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/evidence.h"

#include <assert.h>

#include "lib/base/attr.h"
#include "lib/wire/dns_message.h"

/* The rest that an authorization must have when the CA is asked to look. */
#define RESERVE MINUTES(5)

static const char *const words[] = {
#define OBSERVATION(id, word, help) word,
#include "proto/observations.def"
#undef OBSERVATION
};

const char *observation_text(enum observation observation)
{
	return words[observation];
}

int64_t evidence_ramp_s(unsigned n)
{
	static const int64_t ramp[] = { 3, 5, 8, 13, 20, 30 };

	return n < ARRAY_LEN(ramp) ? ramp[n] : 60;
}

bool observation_is_proper(enum observation observation)
{
	switch (observation) {
	case OBSERVED_MATCH:
	case OBSERVED_OLDER:
	case OBSERVED_OTHER:
	case OBSERVED_NODATA:
	case OBSERVED_NXDOMAIN:
		return true;
	default:
		return false;
	}
}

static bool lacks_it(enum observation observation)
{
	return observation_is_proper(observation) && observation != OBSERVED_MATCH;
}

void server_state_note(
	struct server_state *state, enum observation observation, struct instant now)
{
	assert(observation != OBSERVED_UNASKED && observation < OBSERVATION_COUNT);
	/*
	 * The form in which a server lacks the value may vary from round to round; all of them
	 * count alike.
	 */
	if (state->observation != observation &&
		!(lacks_it(state->observation) && lacks_it(observation)))
		state->since = now;
	if (state->proper == OBSERVED_MATCH && lacks_it(observation))
		state->has_wavered = true;
	state->streak = observation == OBSERVED_MATCH ? state->streak + 1 : 0;
	state->silent = observation_is_proper(observation) ? 0 : state->silent + 1;
	if (observation_is_proper(observation))
		state->proper = observation;
	state->observation = observation;
	state->last = now;
	state->asked++;
}

static bool is_own(const struct server_state *state)
{
	return state->role != ROLE_EXTRA;
}

/* Does a CA ask it?  A hidden primary is asked by certd alone. */
static bool is_public(const struct server_state *state)
{
	return state->role == ROLE_AUTHORITATIVE ||
	       (state->role == ROLE_PRIMARY && state->is_listed);
}

/* The zone's own servers, counted. */
struct tally {
	size_t n_own, n_public, n_extras;
	size_t n_matching;        /* of those a CA asks; of the primary when it asks none */
	size_t n_with, n_without; /* of those that answered in the last round */
};

static struct tally look(const struct server_state *states, size_t n)
{
	struct tally tally = { .n_own = 0 };

	for (size_t i = 0; i < n; i++) {
		tally.n_own += is_own(&states[i]);
		tally.n_public += is_public(&states[i]);
		tally.n_extras += !is_own(&states[i]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct server_state *w = &states[i];

		if (!is_own(w))
			continue;
		tally.n_with += w->observation == OBSERVED_MATCH;
		tally.n_without += lacks_it(w->observation);
		tally.n_matching += w->observation == OBSERVED_MATCH &&
				    (is_public(w) || tally.n_public == 0);
	}
	return tally;
}

/* Is an answer worth waiting for?  Another round gives this machine no route. */
static bool may_come_back(const struct server_state *state)
{
	return state->observation != OBSERVED_NO_ROUTE && state->silent < SILENT_ROUNDS;
}

/*
 * The seconds until one of the zone's own is to be asked again because it blocks; 0: it does
 * not.
 */
static int64_t own_wait_s(
	const struct server_state *state, const struct tally *tally, unsigned round)
{
	bool needs_streak = state->is_anycast || state->has_wavered;

	/* One that was found only now is not to wait like those that are known to lag. */
	if (state->asked == 0)
		return evidence_ramp_s(0);
	if (lacks_it(state->proper) || tally->n_matching == 0)
		return evidence_ramp_s(round);
	if (state->observation == OBSERVED_MATCH)
		return needs_streak && state->streak < STREAK ? evidence_ramp_s(1) : 0;
	return may_come_back(state) ? evidence_ramp_s(state->silent) : 0;
}

/* The wait for all of them: the slowest decides, since the others lose nothing. */
static int64_t wait_s(const struct server_state *states, size_t n, const struct tally *tally,
	unsigned round, const struct evidence_policy *policy, struct instant now)
{
	int64_t wait = 0;
	struct duration delay =
		instant_since(instant_add(policy->published, policy->delay), now);

	if (tally->n_own == 0)
		return delay.s > 0 ? delay.s : 0;
	for (size_t i = 0; i < n; i++) {
		int64_t own = is_own(&states[i]) ? own_wait_s(&states[i], tally, round) : 0;

		wait = own > wait ? own : wait;
	}
	return wait;
}

static bool extra_blocks(const struct server_state *state, const struct evidence_policy *policy)
{
	if (state->asked == 0)
		return true;
	if (!policy->extra_required || state->observation == OBSERVED_MATCH)
		return false;
	return observation_is_proper(state->observation) || may_come_back(state);
}

/*
 * When an extra may be asked: at once, also when the clock was set back, or when its cache
 * has forgotten.
 */
static struct instant extra_due(const struct server_state *state, struct instant now)
{
	int64_t ttl;

	if (state->asked == 0 || instant_before(now, state->last))
		return now;
	if (!observation_is_proper(state->observation))
		return instant_add(state->last, SECONDS(evidence_ramp_s(state->silent)));
	ttl = state->observation == OBSERVED_NODATA || state->observation == OBSERVED_NXDOMAIN
		      ? (int64_t)state->negative_ttl
		      : (int64_t)state->ttl;
	ttl = ttl >= EXTRA_PAUSE_S ? EXTRA_PAUSE_S : ttl + 1;
	return instant_add(
		state->last, duration_max(SECONDS(ttl), SECONDS(evidence_ramp_s(0))));
}

/* The moment to ask the next extra that blocks; INSTANT_NEVER: none does. */
static struct instant extras_due(const struct server_state *states, size_t n,
	const struct evidence_policy *policy, struct instant now)
{
	struct instant due = INSTANT_NEVER;

	for (size_t i = 0; i < n; i++)
		if (!is_own(&states[i]) && extra_blocks(&states[i], policy))
			due = instant_min(due, extra_due(&states[i], now));
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

struct judgement evidence_judge(const struct server_state *states, size_t n, unsigned round,
	const struct evidence_policy *policy, struct instant now)
{
	struct tally tally = look(states, n);
	struct judgement judgement = { .verdict = VERDICT_WAIT };
	struct instant limit = limit_of(policy);
	int64_t wait;

	judgement.is_unpublished = tally.n_without > 0 && tally.n_with == 0;
	wait = wait_s(states, n, &tally, round, policy, now);
	judgement.again = instant_add(now, SECONDS(wait));
	if (round == 0 && n > 0)
		judgement.again = instant_add(instant_add(policy->published, policy->delay),
			SECONDS(evidence_ramp_s(0)));
	if (wait == 0) {
		struct instant due = extras_due(states, n, policy, now);

		judgement.ask_extras = tally.n_extras > 0;
		if (due.s == INSTANT_NEVER.s)
			judgement.verdict = VERDICT_SEEN;
		else if (round > 0)
			judgement.again = due;
	}
	/*
	 * A value that all servers show is not late when the deadline passed during the last
	 * look.
	 */
	if (judgement.verdict == VERDICT_WAIT && !instant_before(now, limit))
		judgement.verdict = VERDICT_LATE;
	if (instant_is_set(policy->expires) && !instant_before(now, policy->expires))
		judgement.verdict = VERDICT_LATE;
	judgement.again = instant_max(now, instant_min(judgement.again, limit));
	return judgement;
}

bool server_state_is_due(
	const struct server_state *state, const struct judgement *judgement, struct instant now)
{
	if (is_own(state))
		return state->observation != OBSERVED_MATCH ||
		       instant_before(now, state->last) ||
		       instant_since(now, state->last).s >= evidence_ramp_s(0);
	return judgement->ask_extras && state->observation != OBSERVED_MATCH &&
	       !instant_before(now, extra_due(state, now));
}

static bool is_newer(const struct server_state *a, const struct server_state *b)
{
	if (is_own(a) != is_own(b))
		return is_own(a);
	if (a->has_serial && b->has_serial && a->serial != b->serial)
		return dns_serial_is_behind(b->serial, a->serial);
	return a->role == ROLE_PRIMARY && b->role != ROLE_PRIMARY;
}

void evidence_compare(struct server_state *states, size_t n)
{
	const struct server_state *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (observation_is_proper(states[i].observation) &&
			(!best || is_newer(&states[i], best)))
			best = &states[i];
	for (size_t i = 0; i < n; i++) {
		struct server_state *w = &states[i];

		w->is_compared = true;
		w->agrees = best && observation_is_proper(w->observation) &&
			    w->content == best->content;
		if (!observation_is_proper(w->observation))
			continue;
		if (w->agrees)
			w->observation = w->content ? OBSERVED_MATCH : w->observation;
		else if (is_own(w) && w->has_serial && best->has_serial &&
			 dns_serial_is_behind(w->serial, best->serial))
			w->observation = OBSERVED_OLDER;
		else if (w->content)
			w->observation = OBSERVED_OTHER;
	}
}
