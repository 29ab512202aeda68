/* SPDX-License-Identifier: MIT */
#include "daemon/acme/health.h"

#include "daemon/acme/skew.h"
#include "lib/base/attr.h"
#include "tests/test.h"

#define T0 INT64_C(1795256100)

/* A clock of both kinds; ticks begin elsewhere than the wall. */
static struct tick tick = { 5000 };
static struct ca_health health;

static struct instant now(void)
{
	return (struct instant){ T0 + tick.ms / 1000 };
}

static void begin(void)
{
	tick.ms = 5000;
	health = (struct ca_health){ .failures = 0 };
}

static bool ends(enum err_code code, int64_t not_before)
{
	struct err err = ERR_INIT;

	if (code == ERR_NONE)
		return health_note(&health, NULL, tick, now());
	err_set(&err, code, "it broke");
	if (not_before)
		err.not_before = instant_add(now(), SECONDS(not_before));
	return health_note(&health, &err, tick, now());
}

/* 0: may begin; else the seconds until it may ask again. */
static int64_t asks(void)
{
	struct err err = ERR_INIT;

	if (health_allows(&health, "ca", tick, now(), &err))
		return 0;
	CHECK_INT(err.code, ERR_CA_DOWN);
	CHECK(strstr(err.text, "the CA ca failed"));
	return instant_since(err.not_before, now()).s;
}

static enum ca_state state(void)
{
	return health_state(&health, tick);
}

TEST(opens_after_some)
{
	begin();
	CHECK(!ends(ERR_CONNECT, 0));
	CHECK(!ends(ERR_TIMEOUT, 0));
	CHECK_INT(asks(), 0);
	CHECK(ends(ERR_CA_FAILED, 0));
	CHECK_INT(state(), CA_DOWN);
	CHECK_INT(asks(), 61);
	CHECK_INT(health_opens(&health, tick, now()).s, now().s + 61);
	/* Late ones of those that ran already are no news, and no tries in vain. */
	for (int i = 0; i < 10; i++)
		CHECK(!ends(ERR_CONNECT, 0));
	CHECK_INT(asks(), 61);
	/* But what one of them was told holds. */
	CHECK(!ends(ERR_CA_FAILED, 500));
	CHECK(!ends(ERR_CONNECT, 0));
	CHECK_INT(asks(), 501);
}

TEST(only_in_a_row)
{
	static const enum err_code answers[] = { ERR_NONE, ERR_NOT_VALIDATED, ERR_RATE_LIMITED,
		ERR_NAME_REFUSED };

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		begin();
		for (int k = 0; k < 20; k++) {
			ends(ERR_CONNECT, 0);
			ends(ERR_CONNECT, 0);
			ends(answers[i], 0);
			CHECK_INT(state(), CA_UP);
		}
	}
	/* What tells nothing about the CA interrupts no row. */
	begin();
	ends(ERR_CONNECT, 0);
	ends(ERR_CANCELLED, 0);
	ends(ERR_CONNECT, 0);
	ends(ERR_IO, 0);
	ends(ERR_DNS, 0);
	ends(ERR_NOT_VISIBLE, 0);
	ends(ERR_ZONE_REFUSED, 0);
	CHECK(ends(ERR_CONNECT, 0));
}

TEST(one_probe_at_a_time)
{
	begin();
	for (int i = 0; i < HEALTH_TRIES; i++)
		ends(ERR_CONNECT, 0);
	tick.ms += 59999;
	CHECK(asks() > 0);
	tick.ms += 1;
	CHECK_INT(state(), CA_PROBE);
	CHECK_INT(asks(), 0);
	CHECK_INT(asks(), 60);
	/* One that was cancelled frees its place for the next. */
	ends(ERR_CANCELLED, 0);
	CHECK_INT(asks(), 0);
	/* One that is never heard of again does so after a while. */
	tick.ms += 10 * 60 * 1000;
	CHECK_INT(asks(), 0);
	ends(ERR_NONE, 0);
	CHECK_INT(asks(), 0);
	CHECK_INT(asks(), 0);
}

TEST(an_operator_ends_the_time_that_it_is_left_alone)
{
	begin();
	for (int i = 0; i < HEALTH_TRIES; i++)
		ends(ERR_CONNECT, 0);
	CHECK(asks() > 0);
	health_look_anew(&health, tick);
	CHECK_INT(state(), CA_PROBE);
	/* Still one at a time, and what is down after all is left alone for longer. */
	CHECK_INT(asks(), 0);
	CHECK_INT(asks(), 60);
	ends(ERR_CONNECT, 0);
	CHECK_INT(asks(), 121);
	ends(ERR_NONE, 0);
	health_look_anew(&health, tick);
	CHECK(state() != CA_PROBE && asks() == 0);
}

TEST(an_operator_ends_no_time_that_the_ca_asked_for)
{
	begin();
	for (int i = 0; i < HEALTH_TRIES; i++)
		ends(ERR_CA_FAILED, 7200);
	health_look_anew(&health, tick);
	CHECK_INT(state(), CA_DOWN);
	CHECK_INT(asks(), 7201);
	/* A shorter wish than the breaker's time leaves the rest of it to the operator. */
	tick.ms += 7200 * 1000;
	CHECK_INT(asks(), 0);
	ends(ERR_CA_FAILED, 30);
	CHECK_INT(asks(), 121);
	health_look_anew(&health, tick);
	CHECK_INT(asks(), 31);
	/* What was asked for holds no longer than the trouble. */
	ends(ERR_NONE, 0);
	for (int i = 0; i < HEALTH_TRIES; i++)
		ends(ERR_CONNECT, 0);
	health_look_anew(&health, tick);
	CHECK_INT(asks(), 0);
}

TEST(distances_grow)
{
	static const int64_t waits[] = { 60, 120, 240, 480, 960, 1800, 1800, 1800 };

	begin();
	ends(ERR_CONNECT, 0);
	ends(ERR_CONNECT, 0);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		ends(ERR_CONNECT, 0);
		CHECK_INT(asks(), waits[i] + 1);
		tick.ms += waits[i] * 1000;
		CHECK_INT(asks(), 0);
	}
	/* As long as it asks for itself, but not for ever. */
	ends(ERR_CA_FAILED, 7200);
	CHECK_INT(asks(), 7201);
	tick.ms += 7200 * 1000;
	ends(ERR_CA_FAILED, 864000);
	CHECK_INT(asks(), 86401);
}

TEST(comes_back_slowly)
{
	begin();
	CHECK_INT(state(), CA_UP);
	ends(ERR_NONE, 0);
	CHECK_INT(state(), CA_UP);
	for (int i = 0; i < HEALTH_TRIES; i++)
		ends(ERR_CONNECT, 0);
	tick.ms += 60000;
	CHECK_INT(asks(), 0);
	ends(ERR_NOT_VALIDATED, 0);
	CHECK_INT(state(), CA_BACK);
	tick.ms += 5 * 60000;
	ends(ERR_NONE, 0);
	CHECK_INT(state(), CA_BACK);
	tick.ms += 5 * 60000 - 1;
	CHECK_INT(state(), CA_BACK);
	tick.ms += 1;
	CHECK_INT(state(), CA_UP);
}

/* Whatever happens, somebody may ask within a day, and no two probes run side by side. */
TEST(random_lives)
{
	static const enum err_code codes[] = { ERR_NONE, ERR_CONNECT, ERR_CA_FAILED,
		ERR_CANCELLED, ERR_NOT_VALIDATED, ERR_CA_DOWN, ERR_RATE_LIMITED, ERR_IO };
	uint64_t seed = 11;

	begin();
	for (int i = 0; i < 20000; i++) {
		int64_t wait = asks();

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		CHECK(wait <= 86401);
		if (wait == 0 && health.until.ms != 0)
			CHECK(asks() > 0);
		if (wait == 0)
			ends(codes[(seed >> 33) % ARRAY_LEN(codes)],
				(int64_t)(seed >> 40) % 100000);
		tick.ms += (int64_t)(seed >> 20) % 100000;
	}
}

/* Told when it is first seen, when it changes, and daily; between machines that disagree not each time. */
TEST(clocks_that_differ)
{
	static const struct {
		int64_t at, ahead; /* seconds */
		bool is_told;
	} rows[] = {
		{ 0, 300, false },
		{ 1, -300, false },
		{ 2, 301, true },
		{ 3, 301, false },
		{ 4, 0, false },
		{ 5, -301, false },
		{ 3601, -301, false },
		{ 3602, -301, true },
		{ 7300, -500, false },
		{ 7400, -602, true },
		{ 7400 + 86399, -602, false },
		{ 7400 + 86400, -602, true },
		{ 400000, 3, false },
		{ 400001, 86400000, true },
	};
	struct skew skew = { .was_told = false };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct instant at = { T0 + rows[i].at };
		struct tick then = { 1000 * (rows[i].at + 9) };

		/* A cache had it for a quarter of an hour. */
		if (skew_note(&skew, instant_add(at, SECONDS(rows[i].ahead - 900)), MINUTES(15),
			    at, then) != rows[i].is_told)
			TEST_FAIL("row %zu", i);
		CHECK_INT(skew.ahead.s, rows[i].ahead);
		CHECK_INT(skew_is_wrong(&skew), rows[i].ahead > 300 || rows[i].ahead < -300);
	}
}
