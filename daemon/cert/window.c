/* SPDX-License-Identifier: MIT */
#include "daemon/cert/window.h"

#include <stdint.h>
#include <time.h>

#include "daemon/conf/conf.h"

#define DAY_MINUTES 1440
/* A window that a change to summer time swallows opens again a week later. */
#define DAYS_AHEAD 35

struct opening {
	struct instant from, to;
};

static struct instant local_moment(const struct tm *day, int minutes)
{
	struct tm tm = { .tm_year = day->tm_year,
		.tm_mon = day->tm_mon,
		.tm_mday = day->tm_mday,
		.tm_hour = minutes / 60,
		.tm_min = minutes % 60,
		.tm_isdst = -1 };

	return (struct instant){ mktime(&tm) };
}

/* When the window opens and closes on a day of the calendar. */
static struct opening opening_on(const struct window *window, const struct tm *day)
{
	int to = window->to <= window->from ? window->to + DAY_MINUTES : window->to;

	return (struct opening){ local_moment(day, window->from), local_moment(day, to) };
}

/* The first moment >= `from` in an opening of that day; INSTANT_NEVER when there is none. */
static struct instant next_on(
	const struct window *windows, size_t n, const struct tm *day, struct instant from)
{
	struct instant best = INSTANT_NEVER;

	for (size_t i = 0; i < n; i++) {
		struct opening opening;

		if (!(windows[i].days & 1U << day->tm_wday))
			continue;
		opening = opening_on(&windows[i], day);
		if (opening.to.s > from.s && opening.to.s > opening.from.s)
			best = instant_min(best, instant_max(opening.from, from));
	}
	return best;
}

struct instant window_next(const struct window *windows, size_t n, struct instant from)
{
	time_t s = (time_t)from.s;
	struct instant best = INSTANT_NEVER;
	struct tm day;

	if (n == 0)
		return from;
	if (!localtime_r(&s, &day))
		return INSTANT_NEVER;
	/* From yesterday, whose windows may reach into today, at noon, which every day has. */
	day.tm_mday--;
	for (int i = 0; i < DAYS_AHEAD + 2; i++, day.tm_mday++) {
		day.tm_hour = 12;
		day.tm_min = day.tm_sec = 0;
		day.tm_isdst = -1;
		if (mktime(&day) == (time_t)-1)
			break;
		/* The one that is open since yesterday may begin no later than any of today. */
		best = instant_min(best, next_on(windows, n, &day, from));
		if (best.s != INSTANT_NEVER.s && i > 0)
			break;
	}
	return best;
}

bool window_is_open(const struct window *windows, size_t n, struct instant at)
{
	return window_next(windows, n, at).s == at.s;
}
