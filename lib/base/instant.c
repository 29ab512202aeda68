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

/* Broken-down UTC of a time that has a text of its own; false for the two that have not. */
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

int instant_parse(const char *text, struct instant *out, struct err *err)
{
	struct tm tm = { 0 };
	const char *end;

	if (strcmp(text, "never") == 0) {
		*out = INSTANT_NEVER;
		return 0;
	}
	if (strcmp(text, "-") == 0) {
		*out = INSTANT_NONE;
		return 0;
	}
	end = strptime(text, strlen(text) == 16 ? "%Y%m%dT%H%M%SZ" : "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		return err_set(err, ERR_BAD_VALUE, "\"%.40s\" is not a UTC time", text);
	*out = (struct instant){ timegm(&tm) };
	return 0;
}

static const struct unit {
	char letter;
	int64_t s;
} units[] = {
	{ 'y', 31536000 }, { 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
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
		"\"%.40s\" is not a duration; write a number and one of s m h d w", text);
}

/* Largest units first; `most` bounds how many are written, `gap` stands between them. */
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
