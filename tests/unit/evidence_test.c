/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "lib/base/attr.h"
#include "tests/unit/evidence_test.h"

static const struct evidence_policy required = { true, { 0 }, { 1800 }, { T0 }, { 0 } };
static const struct evidence_policy advised = { false, { 0 }, { 1800 }, { T0 }, { 0 } };

/* What each is seen to say in each round, a row per witness: "a" authoritative, "A" anycast, "p" hidden
 * primary, "P" listed primary, "e" extra. */
static const struct history {
	const char *roles;
	bool is_advice;
	int rounds;
	int observations[3][6];
	enum verdict want;
	bool asks_extras, is_unpublished;
} histories[] = {
	{ "a", false, 1, { { M } }, VERDICT_SEEN, false, false },
	{ "a", false, 1, { { N } }, VERDICT_WAIT, false, true },
	{ "aa", false, 1, { { M }, { N } }, VERDICT_WAIT, false, false },
	{ "aa", false, 2, { { M, M }, { N, M } }, VERDICT_SEEN, false, false },
	/* silent from the beginning: three rounds of grace */
	{ "aa", false, 2, { { M, M }, { T, T } }, VERDICT_WAIT, false, false },
	{ "aa", false, 3, { { M, M, M }, { T, T, T } }, VERDICT_SEEN, false, false },
	{ "aa", false, 3, { { M, M, M }, { T, R, L } }, VERDICT_SEEN, false, false },
	/* one that matched and falls silent has the same grace */
	{ "aa", false, 2, { { M, M }, { M, T } }, VERDICT_WAIT, false, false },
	{ "aa", false, 4, { { M, M, M, M }, { M, T, T, T } }, VERDICT_SEEN, false, false },
	/* one that answered without it and falls silent has none */
	{ "aa", false, 6, { { M, M, M, M, M, M }, { N, T, T, T, T, T } }, VERDICT_WAIT, false,
		false },
	/* nobody is released while none of the zone's servers shows it */
	{ "aa", false, 6, { { T, T, T, T, T, T }, { R, R, R, R, R, R } }, VERDICT_WAIT, false,
		false },
	{ "pa", false, 6, { { M, M, M, M, M, M }, { T, T, T, T, T, T } }, VERDICT_WAIT, false,
		false },
	{ "Pa", false, 3, { { M, M, M }, { T, T, T } }, VERDICT_SEEN, false, false },
	{ "p", false, 1, { { M } }, VERDICT_SEEN, false, false },
	/* the primary counts, too */
	{ "pa", false, 1, { { N }, { M } }, VERDICT_WAIT, false, false },
	{ "pa", false, 3, { { T, T, T }, { M, M, M } }, VERDICT_SEEN, false, false },
	{ "pa", false, 1, { { N }, { X } }, VERDICT_WAIT, false, true },
	{ "pa", false, 1, { { N }, { T } }, VERDICT_WAIT, false, true },
	{ "pa", false, 1, { { M }, { X } }, VERDICT_WAIT, false, false },
	/* several times in a row */
	{ "A", false, 2, { { M, M } }, VERDICT_WAIT, false, false },
	{ "A", false, 3, { { M, M, M } }, VERDICT_SEEN, false, false },
	{ "A", false, 5, { { M, M, N, M, M } }, VERDICT_WAIT, false, false },
	{ "aa", false, 3, { { M, M, M }, { M, N, M } }, VERDICT_WAIT, false, false },
	{ "aa", false, 5, { { M, M, M, M, M }, { M, N, M, M, M } }, VERDICT_SEEN, false,
		false },
	/* extras */
	{ "ae", false, 1, { { N }, { U } }, VERDICT_WAIT, false, true },
	{ "ae", false, 1, { { M }, { U } }, VERDICT_WAIT, true, false },
	{ "ae", false, 2, { { M, M }, { U, M } }, VERDICT_SEEN, true, false },
	{ "ae", false, 2, { { M, M }, { U, X } }, VERDICT_WAIT, true, false },
	{ "ae", false, 3, { { M, M, M }, { U, T, T } }, VERDICT_WAIT, true, false },
	{ "ae", false, 4, { { M, M, M, M }, { U, T, T, T } }, VERDICT_SEEN, true, false },
	{ "ae", false, 5, { { M, M, M, M, M }, { U, X, T, T, T } }, VERDICT_SEEN, true, false },
	{ "ae", false, 3, { { M, M, N }, { U, X, U } }, VERDICT_WAIT, false, true },
	{ "ae", true, 1, { { M }, { U } }, VERDICT_WAIT, true, false },
	{ "ae", true, 2, { { M, M }, { U, X } }, VERDICT_SEEN, true, false },
	{ "ae", true, 2, { { M, M }, { U, T } }, VERDICT_SEEN, true, false },
	/* none of the zone's own can be asked */
	{ "e", false, 1, { { M } }, VERDICT_SEEN, true, false },
	{ "e", false, 1, { { X } }, VERDICT_WAIT, true, false },
	{ "", false, 0, { { 0 } }, VERDICT_SEEN, false, false },
};

static void set_role(struct server_state *w, char role)
{
	w->address = "192.0.2.53";
	w->role = role == 'e'                  ? ROLE_EXTRA
		  : role == 'p' || role == 'P' ? ROLE_PRIMARY
					       : ROLE_AUTHORITATIVE;
	w->is_anycast = role == 'A';
	w->is_listed = role == 'P';
}

TEST(histories_are_judged)
{
	for (size_t i = 0; i < ARRAY_LEN(histories); i++) {
		const struct history *h = &histories[i];
		struct server_state states[3] = { { .address = "" } };
		size_t n = strlen(h->roles);
		struct judgement got;

		for (size_t k = 0; k < n; k++)
			set_role(&states[k], h->roles[k]);
		for (int round = 0; round < h->rounds; round++)
			for (size_t k = 0; k < n; k++)
				if (h->observations[k][round] != U)
					server_state_note(&states[k],
						(enum observation)h->observations[k][round],
						at(round * 10));
		got = evidence_judge(states, n, (unsigned)h->rounds,
			h->is_advice ? &advised : &required, at(100));
		if (got.verdict != h->want || got.ask_extras != h->asks_extras ||
			got.is_unpublished != h->is_unpublished)
			TEST_FAIL("history %zu (%s): verdict %d, extras %d, unpublished %d", i,
				h->roles, got.verdict, got.ask_extras, got.is_unpublished);
	}
}

/* The moments at which one that never shows it is asked. */
TEST(asks_along_the_ramp)
{
	static const int64_t want[] = { 8, 13, 21, 34, 54, 84, 144, 204, 264 };
	struct evidence_policy policy = required;
	struct server_state w = { .address = "192.0.2.53", .role = ROLE_AUTHORITATIVE };
	struct judgement j;

	policy.delay = SECONDS(5);
	j = evidence_judge(&w, 1, 0, &policy, at(0));
	for (unsigned round = 0; round < ARRAY_LEN(want); round++) {
		CHECK_INT(j.verdict, VERDICT_WAIT);
		CHECK_INT(j.again.s - T0, want[round]);
		CHECK(server_state_is_due(&w, &j, j.again));
		server_state_note(&w, OBSERVED_NODATA, j.again);
		j = evidence_judge(&w, 1, round + 1, &policy, j.again);
	}
}

/* However long it took until now, what is left to wait for decides how soon the next look is. */
TEST(looks_soon_when_little_is_missing)
{
	struct server_state w[2] = {
		{ .address = "192.0.2.53", .role = ROLE_AUTHORITATIVE },
		{ .address = "192.0.2.54", .role = ROLE_AUTHORITATIVE },
	};

	server_state_note(&w[0], OBSERVED_MATCH, at(500));
	CHECK_INT(evidence_judge(w, 2, 20, &required, at(500)).again.s, T0 + 503);
	server_state_note(&w[1], OBSERVED_TIMEOUT, at(503));
	CHECK_INT(evidence_judge(w, 2, 21, &required, at(503)).again.s, T0 + 508);
	server_state_note(&w[1], OBSERVED_NODATA, at(508));
	CHECK_INT(evidence_judge(w, 2, 22, &required, at(508)).again.s, T0 + 568);
	w[1].is_anycast = true;
	server_state_note(&w[1], OBSERVED_MATCH, at(568));
	CHECK_INT(evidence_judge(w, 2, 23, &required, at(568)).again.s, T0 + 573);
}

/* A machine without IPv6 does not wait for rounds that change nothing; alone, such a server proves nothing. */
TEST(waits_for_nobody_without_a_route)
{
	struct evidence_policy policy = { .deadline = MINUTES(30), .published = at(0) };
	struct server_state two[] = { { .address = "192.0.2.1", .role = ROLE_AUTHORITATIVE },
		{ .address = "2001:db8::1", .role = ROLE_AUTHORITATIVE } };
	struct server_state extra[] = { two[0],
		{ .address = "2001:db8::2", .role = ROLE_EXTRA } };

	policy.extra_required = true;
	server_state_note(&two[0], OBSERVED_MATCH, at(3));
	server_state_note(&two[1], OBSERVED_NO_ROUTE, at(3));
	CHECK_INT(evidence_judge(two, 2, 1, &policy, at(3)).verdict, VERDICT_SEEN);
	CHECK_INT(evidence_judge(&two[1], 1, 1, &policy, at(3)).verdict, VERDICT_WAIT);
	server_state_note(&two[0], OBSERVED_NODATA, at(8));
	CHECK_INT(evidence_judge(two, 2, 2, &policy, at(8)).verdict, VERDICT_WAIT);
	server_state_note(&extra[0], OBSERVED_MATCH, at(3));
	server_state_note(&extra[1], OBSERVED_NO_ROUTE, at(3));
	CHECK_INT(evidence_judge(extra, 2, 1, &policy, at(3)).verdict, VERDICT_SEEN);
	/* One that is silent is waited for. */
	server_state_note(&extra[1], OBSERVED_TIMEOUT, at(8));
	extra[1].silent = 1;
	CHECK_INT(evidence_judge(extra, 2, 1, &policy, at(8)).verdict, VERDICT_WAIT);
}

TEST(waits_for_nobody_after_the_delay)
{
	struct evidence_policy policy = required;
	struct server_state extra = { .address = "192.0.2.53", .role = ROLE_EXTRA };
	struct judgement j;

	policy.delay = SECONDS(60);
	j = evidence_judge(NULL, 0, 0, &policy, at(59));
	CHECK_INT(j.verdict, VERDICT_WAIT);
	CHECK_INT(j.again.s, T0 + 60);
	CHECK_INT(evidence_judge(NULL, 0, 0, &policy, at(60)).verdict, VERDICT_SEEN);
	j = evidence_judge(&extra, 1, 0, &policy, at(0));
	CHECK_INT(j.verdict, VERDICT_WAIT);
	CHECK(!j.ask_extras);
	CHECK_INT(j.again.s, T0 + 63);
	j = evidence_judge(&extra, 1, 0, &policy, at(63));
	CHECK(j.ask_extras);
	CHECK_INT(j.again.s, T0 + 63);
	CHECK(server_state_is_due(&extra, &j, at(63)));
}

TEST(ends_at_the_deadline)
{
	struct evidence_policy policy = required;
	struct server_state w = { .address = "192.0.2.53", .role = ROLE_AUTHORITATIVE };
	struct judgement j;

	server_state_note(&w, OBSERVED_NODATA, at(1790));
	j = evidence_judge(&w, 1, 9, &policy, at(1790));
	CHECK_INT(j.verdict, VERDICT_WAIT);
	CHECK_INT(j.again.s, T0 + 1800);
	CHECK_INT(evidence_judge(&w, 1, 9, &policy, at(1799)).verdict, VERDICT_WAIT);
	CHECK_INT(evidence_judge(&w, 1, 9, &policy, at(1800)).verdict, VERDICT_LATE);
	/* Five minutes before the authorization's end, when that is sooner. */
	policy.expires = at(1000);
	CHECK_INT(evidence_judge(&w, 1, 9, &policy, at(699)).verdict, VERDICT_WAIT);
	CHECK_INT(evidence_judge(&w, 1, 9, &policy, at(700)).verdict, VERDICT_LATE);
	/* The last look may still see it, but not when the authorization is over. */
	server_state_note(&w, OBSERVED_MATCH, at(705));
	CHECK_INT(evidence_judge(&w, 1, 10, &policy, at(705)).verdict, VERDICT_SEEN);
	CHECK_INT(evidence_judge(&w, 1, 10, &policy, at(1000)).verdict, VERDICT_LATE);
}

TEST(extras_are_asked_when_their_caches_forget)
{
	static const struct {
		enum observation observation;
		uint32_t ttl, negative_ttl;
		int64_t want;
	} table[] = {
		{ OBSERVED_NXDOMAIN, 0, 20, 21 },
		{ OBSERVED_NODATA, 999, 20, 21 },
		{ OBSERVED_NXDOMAIN, 5, 3600, 60 },
		{ OBSERVED_NXDOMAIN, 5, 0, 3 },
		{ OBSERVED_OTHER, 20, 3600, 21 },
		{ OBSERVED_TIMEOUT, 20, 3600, 5 },
		{ OBSERVED_OTHER, UINT32_MAX, 0, 60 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct server_state w[2] = {
			{ .address = "192.0.2.53", .role = ROLE_AUTHORITATIVE },
			{ .address = "192.0.2.54", .role = ROLE_EXTRA },
		};
		struct judgement j;

		server_state_note(&w[0], OBSERVED_MATCH, at(10));
		j = evidence_judge(w, 2, 1, &required, at(10));
		CHECK_INT(j.again.s, T0 + 10);
		CHECK(!server_state_is_due(&w[0], &j, at(10)));
		CHECK(server_state_is_due(&w[1], &j, at(10)));
		w[1].ttl = table[i].ttl;
		w[1].negative_ttl = table[i].negative_ttl;
		server_state_note(&w[1], table[i].observation, at(10));
		j = evidence_judge(w, 2, 2, &required, at(10));
		CHECK_INT(j.again.s, T0 + 10 + table[i].want);
		CHECK(!server_state_is_due(&w[1], &j, at(9 + table[i].want)));
		CHECK(server_state_is_due(&w[1], &j, j.again));
		CHECK(server_state_is_due(&w[0], &j, j.again));
		/* A clock that was set back makes nobody wait. */
		CHECK(server_state_is_due(&w[1], &j, at(-3600)));
		CHECK_INT(evidence_judge(w, 2, 2, &required, at(-3600)).again.s, T0 - 3600);
		server_state_note(&w[1], OBSERVED_MATCH, j.again);
		CHECK(!server_state_is_due(&w[1], &j, at(5000)));
	}
}

/* The rules once more, from the whole history instead of from what is kept of it. */
struct past {
	enum observation observations[700];

	size_t n;
};

static bool past_blocks(const struct past *past, bool is_anycast)
{
	enum observation proper = OBSERVED_UNASKED;
	size_t silent = 0, streak = 0;
	bool was_there = false, has_wavered = false;

	for (size_t i = 0; i < past->n; i++) {
		enum observation observation = past->observations[i];
		bool lacks = observation == OBSERVED_NODATA ||
			     observation == OBSERVED_NXDOMAIN || observation == OBSERVED_OTHER;

		has_wavered = has_wavered || (was_there && lacks);
		was_there = was_there || observation == OBSERVED_MATCH;
	}
	for (size_t i = past->n; i > 0 && past->observations[i - 1] == OBSERVED_MATCH; i--)
		streak++;
	for (size_t i = past->n; i > 0 && proper == OBSERVED_UNASKED; i--) {
		enum observation observation = past->observations[i - 1];

		if (observation == OBSERVED_TIMEOUT || observation == OBSERVED_REFUSED ||
			observation == OBSERVED_LAME)
			silent++;
		else
			proper = observation;
	}
	if (past->n == 0 || (proper != OBSERVED_MATCH && proper != OBSERVED_UNASKED))
		return true;
	if (silent > 0)
		return silent < 3;
	return (is_anycast || has_wavered) && streak < 3;
}

static uint64_t seed = 7;

static unsigned draw(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static enum observation draw_observation(unsigned luck)
{
	static const enum observation others[] = { OBSERVED_NODATA, OBSERVED_NXDOMAIN,
		OBSERVED_OTHER, OBSERVED_TIMEOUT, OBSERVED_TIMEOUT, OBSERVED_REFUSED,
		OBSERVED_LAME };

	return draw(100) < luck ? OBSERVED_MATCH : others[draw(ARRAY_LEN(others))];
}

/* One wait from beginning to end, as the poller leads it. */
static enum verdict wait_through(unsigned luck, unsigned *n_extras_asked)
{
	enum { MANY = 6 };
	struct server_state w[MANY] = { { .address = "" } };
	struct past pasts[MANY] = { { .n = 0 } };
	size_t n = 1 + draw(MANY);
	struct evidence_policy policy = required;
	struct instant now = at(0);
	struct judgement j;

	policy.extra_required = draw(2);
	policy.delay = SECONDS((int64_t)draw(20));
	policy.expires = draw(2) ? at(400 + draw(3000)) : INSTANT_NONE;
	for (size_t k = 0; k < n; k++)
		set_role(&w[k], "aaaApPe"[draw(7)]);
	j = evidence_judge(w, n, 0, &policy, now);
	for (unsigned round = 0; j.verdict == VERDICT_WAIT; round++) {
		bool has_match = false, has_public = false, blocks = false, has_own = false;

		REQUIRE(round < 700);
		CHECK(round == 0 || j.again.s >= now.s);
		CHECK(j.again.s <= T0 + 1800);
		now = j.again;
		for (size_t k = 0; k < n; k++) {
			bool is_extra = w[k].role == ROLE_EXTRA;

			if (!server_state_is_due(&w[k], &j, now))
				continue;
			if (is_extra)
				CHECK(j.ask_extras);
			*n_extras_asked += is_extra;
			w[k].ttl = draw(100);
			w[k].negative_ttl = draw(100);
			REQUIRE(pasts[k].n < ARRAY_LEN(pasts[k].observations));
			pasts[k].observations[pasts[k].n++] = draw_observation(luck);
			server_state_note(&w[k], pasts[k].observations[pasts[k].n - 1], now);
		}
		now.s += draw(11);
		j = evidence_judge(w, n, round + 1, &policy, now);
		for (size_t k = 0; k < n; k++) {
			bool is_public = w[k].role == ROLE_AUTHORITATIVE || w[k].is_listed;

			has_own = has_own || w[k].role != ROLE_EXTRA;
			has_public = has_public || is_public;
		}
		for (size_t k = 0; k < n; k++) {
			bool is_public = w[k].role == ROLE_AUTHORITATIVE || w[k].is_listed;

			if (w[k].role == ROLE_EXTRA)
				continue;
			has_match = has_match || (w[k].observation == OBSERVED_MATCH &&
							 (is_public || !has_public));
			blocks = blocks || past_blocks(&pasts[k], w[k].is_anycast);
		}
		/* Extras are asked, and it counts as seen, only when all before them agree. */
		if (blocks || (has_own && !has_match)) {
			CHECK(!j.ask_extras);
			CHECK(j.verdict != VERDICT_SEEN);
		}
		for (size_t k = 0; k < n && j.verdict == VERDICT_SEEN; k++)
			if (w[k].role == ROLE_EXTRA && policy.extra_required)
				CHECK(w[k].observation == OBSERVED_MATCH || w[k].silent >= 3);
			else if (w[k].role == ROLE_EXTRA)
				CHECK(w[k].asked > 0);
		/* In time, or not at all. */
		if (now.s >= T0 + 1800 || (policy.expires.s && now.s >= policy.expires.s - 300))
			CHECK(j.verdict != VERDICT_WAIT);
		if (policy.expires.s && now.s >= policy.expires.s)
			CHECK(j.verdict == VERDICT_LATE);
		if (j.verdict == VERDICT_LATE)
			CHECK(now.s >= T0 + 1800 ||
				(policy.expires.s && now.s >= policy.expires.s - 300));
	}
	return j.verdict;
}

TEST(random_histories)
{
	unsigned seen = 0, late = 0, extras = 0;

	for (unsigned i = 0; i < 4000; i++) {
		if (wait_through(40 + draw(60), &extras) == VERDICT_SEEN)
			seen++;
		else
			late++;
	}
	/* All of it happened. */
	CHECK(seen > 400);
	CHECK(late > 400);
	CHECK(extras > 1000);
}
