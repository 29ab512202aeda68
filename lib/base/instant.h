/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_INSTANT_H
#define CERTD_LIB_BASE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * A time has one of three types that the compiler keeps apart:
 *
 *	struct instant    seconds since 1970 on the wall clock: certificate dates, plans
 *	struct duration   seconds: lifetimes, ages, waits
 *	struct tick       milliseconds of CLOCK_BOOTTIME: deadlines of I/O, soak times
 *
 * A bare time_t does not cross a function boundary. Arithmetic saturates at the ends, so no
 * date from outside can overflow. This header reads no clock; lib/base/clock.h does.
 */

struct instant {
	int64_t s;
};

struct duration {
	int64_t s;
};

struct tick {
	int64_t ms;
};

#define INSTANT_NONE ((struct instant){ 0 })
#define INSTANT_NEVER ((struct instant){ INT64_MAX })
#define SECONDS(n) ((struct duration){ (n) })
#define MINUTES(n) ((struct duration){ (n)*INT64_C(60) })
#define HOURS(n) ((struct duration){ (n)*INT64_C(3600) })
#define DAYS(n) ((struct duration){ (n)*INT64_C(86400) })

/* Size of an RFC 3339 UTC text with its NUL, "2026-11-21T10:15:00Z". */
#define INSTANT_TEXT_LEN 32
/* Size of the longest duration_text() with its NUL. */
#define DURATION_TEXT_LEN 40

struct instant instant_add(struct instant t, struct duration d);
struct instant instant_sub(struct instant t, struct duration d);
struct duration instant_since(struct instant later, struct instant earlier);

static inline bool instant_is_set(struct instant t)
{
	return t.s != 0;
}

static inline bool instant_before(struct instant a, struct instant b)
{
	return a.s < b.s;
}

static inline struct instant instant_min(struct instant a, struct instant b)
{
	return a.s < b.s ? a : b;
}

static inline struct instant instant_max(struct instant a, struct instant b)
{
	return a.s > b.s ? a : b;
}

static inline struct duration duration_min(struct duration a, struct duration b)
{
	return a.s < b.s ? a : b;
}

static inline struct duration duration_max(struct duration a, struct duration b)
{
	return a.s > b.s ? a : b;
}

/* Writes RFC 3339 UTC; "never" for INSTANT_NEVER, "-" for INSTANT_NONE.  Returns out. */
const char *instant_text(struct instant t, char out[INSTANT_TEXT_LEN]);

/* The basic form YYYYMMDDTHHMMSSZ that version names use. */
const char *instant_compact(struct instant t, char out[INSTANT_TEXT_LEN]);

/* Reads a text of instant_text() or instant_compact(). 0, or -1 with `err` set. */
int instant_parse(const char *text, struct instant *out, struct err *err);

/*
 * Reads an RFC 3339 time: any offset, a fraction that is dropped, a leap second, letters of any
 * case. False, and INSTANT_NONE, when it is malformed or before the year 1000.
 */
bool instant_parse_rfc3339(const char *text, struct instant *out);

/*
 * The instant of a UTC date; month and day count from 1. False when the date does not exist.
 * Leap seconds are accepted.
 */
bool instant_of_date(
	int year, int month, int day, int hour, int minute, int second, struct instant *out);

/*
 * Reads a configuration duration: a number and a unit of s m h d w y, compounds in falling
 * order allowed ("1h30m"); "0" needs no unit.  0, or -1 with `err` set.
 */
int duration_parse(const char *text, struct duration *out, struct err *err);

/* Writes the shortest exact text that duration_parse() reads. Returns out. */
const char *duration_text(struct duration d, char out[DURATION_TEXT_LEN]);

/* Writes the two largest units for people, "29d 4h", "45s". Returns out. */
const char *duration_brief(struct duration d, char out[DURATION_TEXT_LEN]);

#endif
