/* SPDX-License-Identifier: MIT */
#include "daemon/cert/window.h"

#include <time.h>

#include "daemon/conf/conf.h"
#include "lib/base/err.h"
#include "tests/test.h"

enum { SUN = 1, MON = 2, TUE = 4, WED = 8, THU = 16, FRI = 32, SAT = 64 };

/* The rules of Berlin, written out so that no time zone database is needed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static struct instant at(const char *text)
{
	struct instant t = INSTANT_NONE;
	struct err err = ERR_INIT;

	REQUIRE(instant_parse(text, &t, &err) == 0);
	return t;
}

static const struct {
	struct window window;
	const char *from, *want; /* UTC */
} table[] = {
	/* 2026-11-21 is a Saturday; winter, so local is UTC + 1 */
	{ { TUE | WED | THU, 120, 300 }, "2026-11-21T10:00:00Z", "2026-11-24T01:00:00Z" },
	{ { TUE | WED | THU, 120, 300 }, "2026-11-24T01:00:00Z", "2026-11-24T01:00:00Z" },
	{ { TUE | WED | THU, 120, 300 }, "2026-11-24T03:59:59Z", "2026-11-24T03:59:59Z" },
	{ { TUE | WED | THU, 120, 300 }, "2026-11-24T04:00:00Z", "2026-11-25T01:00:00Z" },
	{ { TUE | WED | THU, 120, 300 }, "2026-11-26T04:00:00Z", "2026-12-01T01:00:00Z" },
	/* over midnight: belongs to the day on which it opens */
	{ { SAT, 1320, 120 }, "2026-11-21T20:59:59Z", "2026-11-21T21:00:00Z" },
	{ { SAT, 1320, 120 }, "2026-11-22T00:30:00Z", "2026-11-22T00:30:00Z" },
	{ { SAT, 1320, 120 }, "2026-11-22T01:00:00Z", "2026-11-28T21:00:00Z" },
	/* the whole day */
	{ { MON, 0, 0 }, "2026-11-21T10:00:00Z", "2026-11-22T23:00:00Z" },
	{ { MON, 0, 1440 }, "2026-11-23T22:59:59Z", "2026-11-23T22:59:59Z" },
	{ { MON, 0, 1440 }, "2026-11-23T23:00:00Z", "2026-11-29T23:00:00Z" },
	/* summer time ends on 2026-10-25, 03:00 CEST */
	{ { SUN, 240, 300 }, "2026-10-24T12:00:00Z", "2026-10-25T03:00:00Z" },
	{ { SUN, 240, 300 }, "2026-10-25T03:59:59Z", "2026-10-25T03:59:59Z" },
	{ { SUN, 240, 300 }, "2026-10-25T04:00:00Z", "2026-11-01T03:00:00Z" },
	/* and begins on 2027-03-28, 02:00 CET */
	{ { SUN, 240, 300 }, "2027-03-27T12:00:00Z", "2027-03-28T02:00:00Z" },
	{ { SUN, 120, 300 }, "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z" },
	{ { SUN, 120, 300 }, "2027-03-28T02:59:59Z", "2027-03-28T02:59:59Z" },
	{ { SUN, 120, 300 }, "2027-03-28T03:00:00Z", "2027-04-04T00:00:00Z" },
	/* an hour that is skipped does not open */
	{ { SUN, 120, 180 }, "2027-03-27T12:00:00Z", "2027-04-04T00:00:00Z" },
	{ { 0, 0, 0 }, "2026-11-21T10:00:00Z", "never" },
};

TEST(local_time)
{
	set_zone(BERLIN);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct instant from = at(table[i].from), got;
		char text[INSTANT_TEXT_LEN];

		got = window_next(&table[i].window, 1, from);
		if (got.s != at(table[i].want).s)
			TEST_FAIL("row %zu, from %s: %s, not %s", i, table[i].from,
				instant_text(got, text), table[i].want);
		CHECK(window_is_open(&table[i].window, 1, from) == (got.s == from.s));
	}
	CHECK_INT(window_next(NULL, 0, at("2026-11-21T10:00:00Z")).s,
		at("2026-11-21T10:00:00Z").s);
	CHECK(window_is_open(NULL, 0, at("2026-11-21T10:00:00Z")));
}

/* Open by the clock on the wall: today's part of a window, or yesterday's that reaches over. */
static bool wall_says_open(const struct window *windows, size_t n, struct instant when)
{
	time_t s = (time_t)when.s;
	struct tm tm;
	int minute, yesterday;

	localtime_r(&s, &tm);
	minute = tm.tm_hour * 60 + tm.tm_min;
	yesterday = (tm.tm_wday + 6) % 7;
	for (size_t i = 0; i < n; i++) {
		const struct window *w = &windows[i];
		int to = w->to <= w->from ? w->to + 1440 : w->to;

		if ((w->days & 1U << tm.tm_wday) && minute >= w->from && minute < to)
			return true;
		if ((w->days & 1U << yesterday) && minute + 1440 >= w->from &&
			minute + 1440 < to)
			return true;
	}
	return false;
}

/* Away from changes of summer time, the answer is what stepping minute by minute finds. */
TEST(stepping_agrees)
{
	static const char *const zones[] = { "UTC0", "NPT-5:45", "MART9:30" };

	srand(3);
	for (int round = 0; round < 300; round++) {
		struct window windows[3];
		size_t n = 1 + (size_t)rand() % 3;
		struct instant from = { 1795219200 + rand() % 1000000 * 60 }, step = from;

		set_zone(zones[round % 3]);
		for (size_t i = 0; i < n; i++)
			windows[i] = (struct window){ (uint8_t)(1 + rand() % 127),
				(uint16_t)(rand() % 1440), (uint16_t)(rand() % 1441) };
		while (!wall_says_open(windows, n, step))
			step.s += 60;
		CHECK_INT(window_next(windows, n, from).s, step.s);
	}
}
