/* SPDX-License-Identifier: MIT */
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "tests/unit/evidence_test.h"

/* What is said, made of a row per witness. */
static const struct telling {
	struct {
		enum server_role role;
		int first, then; /* enum observation, at 0 s and at 60 s */
		uint32_t serial; /* 0: none */
		const char *said;
	} states[5];
	size_t n;
	const char *want;
} tellings[] = {
	{ { { 0 } }, 0, "nobody was asked" },
	{ { { ROLE_AUTHORITATIVE, U, U, 0, "" } }, 1, "nobody has answered yet" },
	{ { { ROLE_AUTHORITATIVE, M, M, 7, "" } }, 1, "the one that was asked shows it" },
	{ { { ROLE_AUTHORITATIVE, M, M, 7, "" }, { ROLE_PRIMARY, N, M, 7, "" },
		  { ROLE_EXTRA, U, U, 0, "" } },
		3, "all 2 show it, the extra 192.0.2.3 is not asked yet" },
	{ { { ROLE_AUTHORITATIVE, X, N, 41, "" }, { ROLE_AUTHORITATIVE, T, T, 0, "" },
		  { ROLE_AUTHORITATIVE, M, M, 42, "" }, { ROLE_PRIMARY, M, M, 42, "" } },
		4,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, its "
		"serial "
		"is behind by 1; 192.0.2.2 is silent since 10:15:07Z; 2 of 4 show it" },
	{ { { ROLE_AUTHORITATIVE, OBSERVED_TRUNCATED, OBSERVED_TRUNCATED, 0, "" },
		  { ROLE_AUTHORITATIVE, OBSERVED_ALTERED, OBSERVED_ALTERED, 0, "" },
		  { ROLE_PRIMARY, OBSERVED_NO_ROUTE, OBSERVED_NO_ROUTE, 0, "" } },
		3,
		"192.0.2.1 (ns1.example.net) cuts its answer short and gives no whole one over "
		"TCP since "
		"10:15:07Z; 192.0.2.2 changes the letters of the question and does not answer "
		"over TCP "
		"since 10:15:07Z; the primary 192.0.2.3 cannot be asked, as this machine has "
		"no route to "
		"it since 10:15:07Z; 0 of 3 show it" },
	/* over the wrap */
	{ { { ROLE_AUTHORITATIVE, N, N, UINT32_MAX, "" }, { ROLE_AUTHORITATIVE, M, M, 1, "" } },
		2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, its "
		"serial "
		"is behind by 2; 1 of 2 show it" },
	{ { { ROLE_AUTHORITATIVE, N, O, 9, "\"abc\"" }, { ROLE_AUTHORITATIVE, M, M, 9, "" } },
		2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, it "
		"shows "
		"\"abc\", with the serial of those that show it; 1 of 2 show it" },
	{ { { ROLE_AUTHORITATIVE, N, N, 10, "" }, { ROLE_AUTHORITATIVE, M, M, 9, "" } }, 2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, "
		"although "
		"its serial is ahead; 1 of 2 show it" },
	/* nobody shows it: the newest is the measure, and it is not told of itself */
	{ { { ROLE_AUTHORITATIVE, N, N, 10, "" }, { ROLE_PRIMARY, N, N, 12, "" } }, 2,
		"192.0.2.1 (ns1.example.net) answers without the record since 10:15:07Z, its "
		"serial "
		"is behind by 2; the primary 192.0.2.2 answers without the record since "
		"10:15:07Z; "
		"0 of 2 show it" },
	{ { { ROLE_AUTHORITATIVE, N, T, 0, "" }, { ROLE_EXTRA, X, X, 99, "" } }, 2,
		"192.0.2.1 (ns1.example.net) is silent since 10:16:07Z and was without the "
		"record "
		"before; the extra 192.0.2.2 answers without the record since 10:15:07Z; 0 of "
		"2 "
		"show it" },
	/* the most telling first, and three at most */
	{ { { ROLE_EXTRA, T, T, 0, "" }, { ROLE_AUTHORITATIVE, R, R, 0, "" },
		  { ROLE_AUTHORITATIVE, L, L, 0, "" }, { ROLE_AUTHORITATIVE, M, M, 0, "" },
		  { ROLE_AUTHORITATIVE, N, N, 0, "" } },
		5,
		"192.0.2.5 answers without the record since 10:15:07Z; 192.0.2.2 refuses to "
		"answer us "
		"since 10:15:07Z; 192.0.2.3 does not have the zone since 10:15:07Z; 1 of 5 "
		"show it" },
};

TEST(evidence_is_told)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
		"192.0.2.4", "192.0.2.5" };

	for (size_t i = 0; i < ARRAY_LEN(tellings); i++) {
		const struct telling *t = &tellings[i];
		struct server_state w[5] = { { .address = "" } };
		struct buf out AUTO_BUF = BUF_INIT;

		for (size_t k = 0; k < t->n; k++) {
			w[k].address = addresses[k];
			w[k].server = k == 0 ? "ns1.example.net" : k == 1 ? "" : NULL;
			w[k].role = t->states[k].role;
			w[k].has_serial = t->states[k].serial != 0;
			w[k].serial = t->states[k].serial;
			snprintf(w[k].said, sizeof(w[k].said), "%s",
				t->states[k].said ? t->states[k].said : "");
			if (t->states[k].first != U)
				server_state_note(
					&w[k], (enum observation)t->states[k].first, at(0));
			if (t->states[k].then != U)
				server_state_note(
					&w[k], (enum observation)t->states[k].then, at(60));
		}
		evidence_describe(w, t->n, at(61), 320, &out);
		CHECK_STR(buf_text(&out), t->want);
	}
}

/* However long the names are and however little room there is, nothing is cut off. */
TEST(a_sentence_fits)
{
	static const size_t rooms[] = { 400, 340, 300, 250, 200 };
	static char address[200], server[300];

	memset(address, 'a', sizeof(address) - 1);
	memset(server, 's', sizeof(server) - 1);
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		struct server_state w[9] = { { .address = "" } };
		struct buf out AUTO_BUF = BUF_INIT;

		for (size_t k = 0; k < ARRAY_LEN(w); k++) {
			w[k].address = address;
			w[k].server = server;
			memset(w[k].said, '"', sizeof(w[k].said) - 1);
			w[k].has_serial = true;
			w[k].serial = (uint32_t)k * 100000000;
			server_state_note(
				&w[k], k % 2 ? OBSERVED_OTHER : OBSERVED_TIMEOUT, at(0));
		}
		evidence_describe(w, ARRAY_LEN(w), at(1000000), rooms[i], &out);
		CHECK(out.len <= rooms[i]);
		CHECK(strstr(buf_text(&out), "; 0 of 9 show it"));
		buf_clear(&out);
		evidence_describe_silent(w, ARRAY_LEN(w), at(1000000), rooms[i], &out);
		CHECK(out.len <= rooms[i]);
		CHECK(strstr(buf_text(&out), "; 4 of 9 answer"));
	}
}

/* Where no value is awaited, the newest of the zone's own is the measure. */
static const struct comparison {
	struct {
		char role; /* "p" the primary, "a", "e" an extra */
		int observation;
		uint32_t serial;  /* 0: none */
		uint64_t content; /* what it shows; 0: nothing */
		int want;
	} states[4];
	size_t n;
	const char *text;
} comparisons[] = {
	/* one lags with a part of the records */
	{ { { 'p', M, 8, 12, M }, { 'a', M, 8, 12, M }, { 'a', M, 7, 11, OBSERVED_OLDER } }, 3,
		"192.0.2.3 shows an older version of the zone, its serial is behind by 1; "
		"2 of 3 show the newest version" },
	/* all records are removed, and it has not heard of it */
	{ { { 'p', X, 9, 0, X }, { 'a', N, 9, 0, N }, { 'a', M, 8, 11, OBSERVED_OLDER } }, 3,
		"192.0.2.3 shows an older version of the zone, its serial is behind by 1; "
		"2 of 3 show the newest version" },
	/* the primary is behind: its transfer source is another */
	{ { { 'p', M, UINT32_MAX, 11, OBSERVED_OLDER }, { 'a', M, 1, 12, M } }, 2,
		"the primary 192.0.2.1 shows an older version of the zone, its serial is "
		"behind by 2; 1 of 2 show the newest version" },
	/* the same serial with something else: the primary's word */
	{ { { 'p', M, 8, 12, M }, { 'a', M, 8, 13, O }, { 'a', X, 8, 0, X } }, 3,
		"192.0.2.2 shows something else; 192.0.2.3 shows no record; 1 of 3 show the "
		"newest version" },
	{ { { 'a', M, 8, 13, O }, { 'p', M, 0, 12, M } }, 2,
		"192.0.2.1 shows something else; 1 of 2 show the newest version" },
	/* extras have no serials, and are no measure of others */
	{ { { 'e', M, 0, 11, O }, { 'a', M, 8, 12, M }, { 'e', M, 0, 12, M } }, 3,
		"the extra 192.0.2.1 shows something else; 2 of 3 show the newest version" },
	{ { { 'e', M, 0, 11, M }, { 'e', M, 0, 12, O } }, 2,
		"the extra 192.0.2.2 shows something else; 1 of 2 show the newest version" },
	{ { { 'p', T, 0, 0, T }, { 'a', M, 8, 12, M }, { 'e', U, 0, 0, U } }, 3,
		"the primary 192.0.2.1 is silent since 10:15:07Z; 1 of 2 show the newest "
		"version, the extra 192.0.2.3 is not asked yet" },
	{ { { 'p', T, 0, 0, T }, { 'a', R, 0, 0, R } }, 2,
		"the primary 192.0.2.1 is silent since 10:15:07Z; 192.0.2.2 refuses to answer "
		"us since 10:15:07Z; 0 of 2 show the newest version" },
	{ { { 'p', N, 8, 0, N }, { 'a', X, 7, 0, X } }, 2, "all 2 show the newest version" },
};

TEST(the_newest_is_the_measure)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3" };

	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		const struct comparison *c = &comparisons[i];
		struct server_state w[4] = { { .address = "" } };
		struct buf out AUTO_BUF = BUF_INIT;

		for (size_t k = 0; k < c->n; k++) {
			char role = c->states[k].role;

			w[k].address = addresses[k];
			w[k].role = role == 'p'   ? ROLE_PRIMARY
				    : role == 'e' ? ROLE_EXTRA
						  : ROLE_AUTHORITATIVE;
			w[k].has_serial = c->states[k].serial != 0;
			w[k].serial = c->states[k].serial;
			w[k].content = c->states[k].content;
			if (c->states[k].observation != U)
				server_state_note(&w[k],
					(enum observation)c->states[k].observation, at(0));
		}
		evidence_compare(w, c->n);
		for (size_t k = 0; k < c->n; k++)
			if (evidence_observation(w, c->n, k) !=
				(enum observation)c->states[k].want)
				TEST_FAIL("comparison %zu: %zu is %s", i, k,
					observation_text(evidence_observation(w, c->n, k)));
		evidence_describe(w, c->n, at(1), EVIDENCE_ROOM, &out);
		CHECK_STR(buf_text(&out), c->text);
	}
}

/* The event names who did not count, and never speaks of nobody. */
TEST(what_is_seen_is_told)
{
	struct server_state w[3] = {
		{ .address = "192.0.2.1", .role = ROLE_PRIMARY },
		{ .address = "192.0.2.2",
			.server = "ns2.example.net",
			.role = ROLE_AUTHORITATIVE },
		{ .address = "192.0.2.3", .role = ROLE_EXTRA },
	};
	struct buf out AUTO_BUF = BUF_INIT;

	evidence_describe_seen(w, 0, SECONDS(5), at(0), &out);
	CHECK_STR(buf_text(&out), "is believed after 5s, as there is no name server to ask");
	for (size_t k = 0; k < 3; k++)
		server_state_note(&w[k], k == 1 ? OBSERVED_TIMEOUT : OBSERVED_MATCH, at(0));
	buf_clear(&out);
	evidence_describe_seen(w, 1, SECONDS(5), at(0), &out);
	CHECK_STR(buf_text(&out), "is seen at the only address after 5s");
	buf_clear(&out);
	evidence_describe_seen(w, 3, SECONDS(65), at(0), &out);
	CHECK_STR(buf_text(&out),
		"is seen at 2 of 3 addresses after 1m5s; the others do not count: 192.0.2.2 "
		"(ns2.example.net) is silent since 10:15:07Z");
	server_state_note(&w[1], OBSERVED_MATCH, at(9));
	buf_clear(&out);
	evidence_describe_seen(w, 3, SECONDS(5), at(9), &out);
	CHECK_STR(buf_text(&out), "is seen at all of 3 addresses after 5s");
}

TEST(serials_explain)
{
	struct server_state w[4] = {
		{ .address = "1", .role = ROLE_AUTHORITATIVE, .has_serial = true, .serial = 4 },
		{ .address = "2", .role = ROLE_AUTHORITATIVE, .has_serial = true, .serial = 5 },
		{ .address = "3", .role = ROLE_EXTRA, .has_serial = true, .serial = 3 },
		{ .address = "4", .role = ROLE_AUTHORITATIVE },
	};

	server_state_note(&w[0], OBSERVED_NXDOMAIN, at(0));
	server_state_note(&w[1], OBSERVED_MATCH, at(0));
	server_state_note(&w[2], OBSERVED_NODATA, at(0));
	server_state_note(&w[3], OBSERVED_NODATA, at(0));
	CHECK_INT(evidence_observation(w, 4, 0), OBSERVED_OLDER);
	CHECK_INT(evidence_observation(w, 4, 1), OBSERVED_MATCH);
	CHECK_INT(evidence_observation(w, 4, 2), OBSERVED_NODATA);
	CHECK_INT(evidence_observation(w, 4, 3), OBSERVED_NODATA);
	w[0].serial = 5;
	CHECK_INT(evidence_observation(w, 4, 0), OBSERVED_NXDOMAIN);
	CHECK_STR(observation_text(OBSERVED_NXDOMAIN), "nxdomain");
	CHECK_STR(server_role_text(ROLE_EXTRA), "extra");
}
