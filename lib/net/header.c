/* SPDX-License-Identifier: MIT */
#include "lib/net/header.h"

#include <string.h>
#include <strings.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/wire/url.h"

/* Reads exactly `digits` digits at *p and moves *p behind them. */
static bool read_number(const char **p, int digits, int *out)
{
	*out = 0;
	for (; digits > 0; digits--, ++*p) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool read_text(const char **p, const char *text)
{
	if (!str_starts(*p, text))
		return false;
	*p += strlen(text);
	return true;
}

static bool read_month(const char **p, int *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (*out = 1; *out <= 12; ++*out)
		if (strncmp(*p, names + (*out - 1) * 3, 3) == 0) {
			*p += 3;
			return true;
		}
	return false;
}

struct date {
	int year, month, day, hour, minute, second;
};

static bool read_time(const char **p, struct date *date)
{
	return read_number(p, 2, &date->hour) && read_text(p, ":") &&
	       read_number(p, 2, &date->minute) && read_text(p, ":") &&
	       read_number(p, 2, &date->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_fixed(const char *p, struct date *date)
{
	return read_text(&p, ", ") && read_number(&p, 2, &date->day) && read_text(&p, " ") &&
	       read_month(&p, &date->month) && read_text(&p, " ") &&
	       read_number(&p, 4, &date->year) && read_text(&p, " ") && read_time(&p, date) &&
	       str_is(p, " GMT");
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool read_rfc850(const char *p, struct date *date)
{
	if (!read_text(&p, ", ") || !read_number(&p, 2, &date->day) || !read_text(&p, "-") ||
		!read_month(&p, &date->month) || !read_text(&p, "-") ||
		!read_number(&p, 2, &date->year) || !read_text(&p, " ") ||
		!read_time(&p, date) || !str_is(p, " GMT"))
		return false;
	/* A server's clock does not stand in the last century. */
	date->year += date->year < 70 ? 2000 : 1900;
	return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(const char *p, struct date *date)
{
	if (!read_text(&p, " ") || !read_month(&p, &date->month) || !read_text(&p, " "))
		return false;
	if (*p == ' ' ? !(++p, read_number(&p, 1, &date->day))
		      : !read_number(&p, 2, &date->day))
		return false;
	return read_text(&p, " ") && read_time(&p, date) && read_text(&p, " ") &&
	       read_number(&p, 4, &date->year) && !*p;
}

struct instant header_date(const char *value)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const rests[] = { "day", "day", "sday", "nesday", "rsday", "day",
		"urday" };
	struct instant at = INSTANT_NONE;
	struct date date;

	for (size_t i = 0; value && i < ARRAY_LEN(days); i++) {
		const char *behind = value + 3;

		if (!str_starts(value, days[i]))
			continue;
		if (read_fixed(behind, &date) || read_asctime(behind, &date) ||
			(read_text(&behind, rests[i]) && read_rfc850(behind, &date)))
			instant_of_date(date.year, date.month, date.day, date.hour, date.minute,
				date.second, &at);
	}
	return at;
}

struct instant header_retry_after(const char *value, struct instant now)
{
	struct instant last = instant_add(now, HEADER_RETRY_MAX), at;

	if (!value || !*value)
		return INSTANT_NONE;
	if (strspn(value, "0123456789") == strlen(value)) {
		int64_t s;

		/* A number beyond 64 bits is a long time, not an error. */
		if (!str_to_int(value, 0, HEADER_RETRY_MAX.s, &s))
			return last;
		return instant_add(now, SECONDS(s));
	}
	at = header_date(value);
	return instant_is_set(at) ? instant_min(instant_max(at, now), last) : INSTANT_NONE;
}

static void skip_space(const char **p)
{
	*p += strspn(*p, " \t");
}

/* The name of a parameter, or a value without quotes (RFC 9110, 5.6.2, read generously). */
static void read_token(const char **p, struct buf *out)
{
	size_t n = strcspn(*p, " \t=;,\"<>");

	buf_clear(out);
	buf_add(out, *p, n);
	*p += n;
}

static bool read_quoted(const char **p, struct buf *out)
{
	buf_clear(out);
	for (++*p; **p && **p != '"'; ++*p) {
		if (**p == '\\' && (*p)[1])
			++*p;
		buf_add_char(out, **p);
	}
	return *(*p)++ == '"';
}

/* Does the "rel" list name the relation? */
static bool has_relation(const char *list, const char *relation)
{
	size_t len = strlen(relation);

	for (;;) {
		size_t n;

		list += strspn(list, " \t");
		if (!*list)
			return false;
		n = strcspn(list, " \t");
		if (n == len && strncasecmp(list, relation, n) == 0)
			return true;
		list += n;
	}
}

/*
 * State: none is kept between calls; *p is the position in the value, which each function moves
 * behind what it has read.
 *
 * Reads the parameters behind a target, up to the comma or the end. Returns 1 when the link has
 * this relation, 0 when it has another, -1 when the rest is unreadable. Only the first "rel"
 * counts (RFC 8288, 3.3), and a link with an "anchor" concerns another document.
 */
static int read_parameters(const char **p, const char *relation)
{
	struct buf name AUTO_BUF = BUF_INIT, value AUTO_BUF = BUF_INIT;
	bool is_ours = false, has_rel = false, has_anchor = false;

	for (;;) {
		skip_space(p);
		if (!**p || **p == ',')
			return is_ours && !has_anchor;
		if (*(*p)++ != ';')
			return -1;
		skip_space(p);
		read_token(p, &name);
		skip_space(p);
		buf_clear(&value);
		if (**p == '=') {
			++*p;
			skip_space(p);
			if (**p != '"')
				read_token(p, &value);
			else if (!read_quoted(p, &value))
				return -1;
		}
		has_anchor |= strcasecmp(buf_text(&name), "anchor") == 0;
		if (strcasecmp(buf_text(&name), "rel") != 0 || has_rel)
			continue;
		has_rel = true;
		is_ours = has_relation(buf_text(&value), relation);
	}
}

/* The characters of a URL; between < and > a value may hold any. */
static bool is_url_text(const char *text, size_t len)
{
	return len <= URL_MAX && text_is_visible(text, len);
}

bool header_link(
	const char *value, const char *relation, unsigned n, const char *base, struct buf *out)
{
	const char *p = value ? value : "";

	for (;;) {
		struct buf target AUTO_BUF = BUF_INIT;
		int found;

		p += strspn(p, " \t,");
		if (*p++ != '<')
			return false;
		buf_add(&target, p, strcspn(p, ">"));
		p += target.len;
		if (*p++ != '>')
			return false;
		found = read_parameters(&p, relation);
		if (found < 0)
			return false;
		if (found == 0 || !is_url_text(buf_text(&target), target.len) || n-- > 0)
			continue;
		url_resolve(base, buf_text(&target), out);
		return true;
	}
}

bool header_type_is(const char *value, const char *type)
{
	size_t len = strlen(type);

	if (!value)
		return false;
	value += strspn(value, " \t");
	if (strncasecmp(value, type, len) != 0)
		return false;
	value += len + strspn(value + len, " \t");
	return !*value || *value == ';';
}
