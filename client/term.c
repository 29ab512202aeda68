/* SPDX-License-Identifier: MIT */
#include "client/term.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/text.h"

#define ELLIPSIS "\xe2\x80\xa6"

static size_t ask_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int64_t n;

	if (columns && str_to_int(columns, 20, 10000, &n))
		return (size_t)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

void term_init(struct term *term, bool no_color)
{
	const char *wish = getenv("NO_COLOR"), *kind = getenv("TERM");
	bool is_dumb = !kind || str_is(kind, "dumb");

	*term = (struct term){ .now = clock_now() };
	term->is_terminal = isatty(STDOUT_FILENO) == 1;
	term->is_coloured = term->is_terminal && !no_color && !(wish && *wish) && !is_dumb;
	term->width = term->is_terminal ? ask_width() : 0;
}

void term_colour(const struct term *term, struct buf *out, enum colour colour)
{
	static const char *const codes[] = { "0", "1", "2", "32", "33", "31" };

	if (term->is_coloured)
		buf_printf(out, "\x1b[%sm", codes[colour]);
}

enum colour term_colour_of(const char *word)
{
	static const struct {
		const char *word;
		enum colour colour;
	} words[] = {
		{ "ok", COLOUR_GREEN },
		{ "due", COLOUR_YELLOW },
		{ "waiting", COLOUR_YELLOW },
		{ "working", COLOUR_YELLOW },
		{ "failing", COLOUR_RED },
		{ "expired", COLOUR_RED },
		{ "absent", COLOUR_RED },
		/* Observations of name servers (proto/observations.def). */
		{ "match", COLOUR_GREEN },
		{ "older", COLOUR_YELLOW },
		{ "other", COLOUR_YELLOW },
		{ "nodata", COLOUR_YELLOW },
		{ "nxdomain", COLOUR_YELLOW },
		{ "lame", COLOUR_RED },
		{ "refused", COLOUR_RED },
		{ "servfail", COLOUR_RED },
		{ "formerr", COLOUR_RED },
		{ "timeout", COLOUR_RED },
		{ "unreachable", COLOUR_RED },
		{ "garbage", COLOUR_RED },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_is(words[i].word, word))
			return words[i].colour;
	return COLOUR_NONE;
}

void term_add(struct buf *out, const char *text)
{
	text_show(out, text, strlen(text));
}

/* wcwidth() needs a UTF-8 locale; without one each character counts as one column. */
static size_t char_width(uint32_t c)
{
	int n = c < 0x80 ? 1 : wcwidth((wchar_t)c);

	return n < 0 ? 1 : (size_t)n;
}

size_t term_width(const char *text)
{
	size_t width = 0;

	while (*text) {
		uint32_t c;

		text += text_decode(text, strlen(text), &c);
		width += char_width(c);
	}
	return width;
}

void term_add_fit(struct buf *out, const char *text, size_t width)
{
	size_t used = 0;

	if (term_width(text) <= width) {
		buf_add_text(out, text);
		return;
	}
	while (*text) {
		uint32_t c;
		size_t len = text_decode(text, strlen(text), &c);

		if (used + char_width(c) + 1 > width)
			break;
		used += char_width(c);
		buf_add(out, text, len);
		text += len;
	}
	if (width)
		buf_add_text(out, ELLIPSIS);
}

static void add_relative(struct buf *out, struct instant t, struct instant now)
{
	char text[DURATION_TEXT_LEN];

	if (t.s == now.s)
		buf_add_text(out, "now");
	else if (t.s > now.s)
		buf_printf(out, "in %s", duration_brief(instant_since(t, now), text));
	else
		buf_printf(out, "%s ago", duration_brief(instant_since(now, t), text));
}

/* The shortest date format that is unambiguous now. */
static const char *short_format(const struct tm *tm, const struct tm *now)
{
	if (tm->tm_year != now->tm_year)
		return "%e %b %Y";
	return tm->tm_yday == now->tm_yday ? "%H:%M:%S" : "%e %b %H:%M";
}

void term_add_time(
	const struct term *term, struct buf *out, const char *text, enum time_form form)
{
	struct err err = ERR_INIT;
	struct instant t;
	struct tm tm, tm_now;
	char local[64];

	if (!term->is_terminal || instant_parse(text, &t, &err) || t.s == INT64_MAX ||
		!localtime_r(&(time_t){ t.s }, &tm) ||
		!localtime_r(&(time_t){ term->now.s }, &tm_now)) {
		term_add(out, text);
		return;
	}
	if (form == TIME_FULL) {
		strftime(local, sizeof(local), "%Y-%m-%d %H:%M:%S %Z", &tm);
		buf_printf(out, "%s (", local);
		add_relative(out, t, term->now);
		buf_add_char(out, ')');
		return;
	}
	add_relative(out, t, term->now);
	if (form == TIME_BRIEF)
		return;
		/* The formats are literals of short_format(). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	strftime(local, sizeof(local), short_format(&tm, &tm_now), &tm);
#pragma GCC diagnostic pop
	buf_printf(out, " (%s)", local + strspn(local, " "));
}
