/* SPDX-License-Identifier: MIT */
#include "lib/base/instant.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"

static int64_t add_saturated(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

struct instant instant_add(struct instant t, struct duration d)
{
	if (t.s == INT64_MAX)
		return t;
	return (struct instant){ add_saturated(t.s, d.s) };
}

struct instant instant_sub(struct instant t, struct duration d)
{
	if (t.s == INT64_MAX)
		return t;
	return (struct instant){ add_saturated(t.s, -d.s) };
}

struct duration instant_since(struct instant later, struct instant earlier)
{
	int64_t diff;

	if (__builtin_sub_overflow(later.s, earlier.s, &diff))
		diff = later.s > earlier.s ? INT64_MAX : INT64_MIN;
	return (struct duration){ diff };
}

/*
 * Splits a time into UTC fields. False for INSTANT_NEVER and INSTANT_NONE, whose text is
 * written to out.
 */
static bool split(struct instant t, struct tm *tm, char out[INSTANT_TEXT_LEN])
{
	time_t s = (time_t)t.s;

	if (t.s != INT64_MAX && t.s != 0 && gmtime_r(&s, tm) && tm->tm_year < 8100)
		return true;
	snprintf(out, INSTANT_TEXT_LEN, "%s", t.s == 0 ? "-" : "never");
	return false;
}

const char *instant_text(struct instant t, char out[INSTANT_TEXT_LEN])
{
	struct tm tm;

	if (split(t, &tm, out))
		strftime(out, INSTANT_TEXT_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

const char *instant_compact(struct instant t, char out[INSTANT_TEXT_LEN])
{
	struct tm tm;

	if (split(t, &tm, out))
		strftime(out, INSTANT_TEXT_LEN, "%Y%m%dT%H%M%SZ", &tm);
	return out;
}

/* Reads exactly `n` digits at *p and moves *p behind them. */
static bool read_digits(const char **p, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, ++*p) {
		if (!isdigit((unsigned char)**p))
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

/* Reads a separator, which the basic form omits. */
static bool read_mark(const char **p, char mark, bool is_basic)
{
	if (is_basic)
		return true;
	return *(*p)++ == mark;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

/* Days since 1970-01-01. Years begin in March here, so that leap days come last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t m = month + (month <= 2 ? 9 : -3);
	int64_t leaps = (y + 400) / 4 - (y + 400) / 100 + (y + 400) / 400 - 97;

	return y * 365 + leaps + (m * 153 + 2) / 5 + day - 1 - 719468;
}

bool instant_of_date(
	int year, int month, int day, int hour, int minute, int second, struct instant *out)
{
	*out = INSTANT_NONE;
	if (year < 1000 || year > 9999 || month < 1 || month > 12 || day < 1 ||
		day > month_days(year, month) || hour < 0 || hour > 23 || minute < 0 ||
		minute > 59 || second < 0 || second > 60)
		return false;
	out->s = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

/*
 * Parsed without strptime(), because versions are read by the hundred thousand and have one
 * form.
 */
static bool read_instant(const char *p, bool is_basic, struct instant *out)
{
	int year, month, day, hour, minute, second;

	if (!read_digits(&p, 4, &year) || !read_mark(&p, '-', is_basic) ||
		!read_digits(&p, 2, &month) || !read_mark(&p, '-', is_basic) ||
		!read_digits(&p, 2, &day) || *p++ != 'T' || !read_digits(&p, 2, &hour) ||
		!read_mark(&p, ':', is_basic) || !read_digits(&p, 2, &minute) ||
		!read_mark(&p, ':', is_basic) || !read_digits(&p, 2, &second) || *p++ != 'Z' ||
		*p)
		return false;
	return second < 60 && instant_of_date(year, month, day, hour, minute, second, out);
}

/* Reads "Z" or "+hh:mm": the seconds that local time is ahead of UTC. */
static bool read_offset(const char *p, int64_t *out)
{
	int sign = *p == '-' ? -1 : 1, hour, minute;

	*out = 0;
	if (*p == 'Z' || *p == 'z')
		return p[1] == 0;
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!read_digits(&p, 2, &hour) || *p++ != ':' || !read_digits(&p, 2, &minute) || *p ||
		hour > 23 || minute > 59)
		return false;
	*out = sign * (hour * INT64_C(3600) + minute * INT64_C(60));
	return true;
}

static bool is_letter_t(char c)
{
	return c == 'T' || c == 't';
}

bool instant_parse_rfc3339(const char *text, struct instant *out)
{
	int year, month, day, hour, minute, second;
	const char *p = text;
	int64_t ahead;

	*out = INSTANT_NONE;
	if (!read_digits(&p, 4, &year) || *p++ != '-' || !read_digits(&p, 2, &month) ||
		*p++ != '-' || !read_digits(&p, 2, &day) || !is_letter_t(*p++) ||
		!read_digits(&p, 2, &hour) || *p++ != ':' || !read_digits(&p, 2, &minute) ||
		*p++ != ':' || !read_digits(&p, 2, &second))
		return false;
	if (*p == '.') {
		size_t digits = strspn(++p, "0123456789");

		if (digits == 0)
			return false;
		p += digits;
	}
	if (!read_offset(p, &ahead) ||
		!instant_of_date(year, month, day, hour, minute, second, out))
		return false;
	out->s -= ahead;
	return true;
}

int instant_parse(const char *text, struct instant *out, struct err *err)
{
	if (strcmp(text, "never") == 0) {
		*out = INSTANT_NEVER;
		return 0;
	}
	if (strcmp(text, "-") == 0) {
		*out = INSTANT_NONE;
		return 0;
	}
	if (!read_instant(text, strlen(text) == 16, out))
		return err_set(err, ERR_BAD_VALUE, "\"%.40s\" is not a UTC time", text);
	return 0;
}

static const struct unit {
	char letter;
	int64_t s;
} units[] = {
	{ 'y', 31536000 },
	{ 'w', 604800 },
	{ 'd', 86400 },
	{ 'h', 3600 },
	{ 'm', 60 },
	{ 's', 1 },
};

static const struct unit *unit_find(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].letter == letter)
			return &units[i];
	return NULL;
}

int duration_parse(const char *text, struct duration *out, struct err *err)
{
	const struct unit *last = NULL;
	const char *p = text;
	int64_t sum = 0;

	if (strcmp(text, "0") == 0) {
		*out = SECONDS(0);
		return 0;
	}
	do {
		const struct unit *unit;
		int64_t n = 0, part;

		if (!isdigit((unsigned char)*p))
			goto bad;
		for (; isdigit((unsigned char)*p); p++)
			if (__builtin_mul_overflow(n, INT64_C(10), &n) ||
				__builtin_add_overflow(n, *p - '0', &n))
				goto bad;
		unit = unit_find(*p);
		if (!unit || (last && unit <= last))
			goto bad;
		if (__builtin_mul_overflow(n, unit->s, &part) ||
			__builtin_add_overflow(sum, part, &sum) || sum > INT64_C(3153600000000))
			goto bad;
		last = unit;
		p++;
	} while (*p);
	*out = (struct duration){ sum };
	return 0;
bad:
	return err_set(err, ERR_BAD_VALUE,
		"\"%.40s\" is not a duration; write a number and one of s m h d w y", text);
}

/* Writes the largest units first, at most `most` of them, with `gap` between them. */
static const char *spell(struct duration d, int most, const char *gap, char *out)
{
	int64_t left = d.s < 0 ? 0 : d.s;
	size_t len = 0;

	out[0] = 0;
	for (size_t i = 0; i < ARRAY_LEN(units) && most > 0; i++) {
		int64_t n = left / units[i].s;

		if (n == 0 || units[i].letter == 'w' || (units[i].letter == 'y' && gap[0] == 0))
			continue;
		left -= n * units[i].s;
		most--;
		len += (size_t)snprintf(out + len, DURATION_TEXT_LEN - len, "%s%" PRId64 "%c",
			len ? gap : "", n, units[i].letter);
	}
	if (len == 0)
		snprintf(out, DURATION_TEXT_LEN, "0s");
	return out;
}

const char *duration_text(struct duration d, char out[DURATION_TEXT_LEN])
{
	return spell(d, INT_MAX, "", out);
}

const char *duration_brief(struct duration d, char out[DURATION_TEXT_LEN])
{
	return spell(d, 2, " ", out);
}
