/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_TERM_H
#define CERTD_CLIENT_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/instant.h"

struct buf;

/*
 * What the other end of standard output is, and how texts become fit for it.
 *
 * Widths, colours, shortened cells and times in words are for a terminal; a pipe gets full values
 * and RFC 3339.  Values come from outside: whatever goes out passes through term_add(), which makes
 * control characters, and those that turn the direction of writing, visible instead of obeyed.
 * Widths are columns, not bytes.  Nothing here prints or owns memory; tests fill the struct by hand.
 */
struct term {
	bool is_terminal;
	bool is_coloured; /* never without is_terminal */
	size_t width;     /* columns; 0: no bound */
	struct instant now;
};

/* Looks at standard output, $NO_COLOR, $TERM and $COLUMNS. */
void term_init(struct term *term, bool no_color);

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED };

/* Begins a colour, COLOUR_NONE ends it; nothing where there are no colours. */
void term_colour(const struct term *term, struct buf *out, enum colour colour);

/* The colour of a word of health, of a result, of a priority; COLOUR_NONE for others. */
enum colour term_colour_of(const char *word);

/* Appends a text that came from outside, harmless. */
void term_add(struct buf *out, const char *text);

/* Columns of a text that went through term_add(). */
size_t term_width(const char *text);

/* Appends at most `width` columns of such a text; a shortened one ends in an ellipsis. */
void term_add_fit(struct buf *out, const char *text, size_t width);

/*
 * A time of the protocol for people: TIME_BRIEF "in 29d 4h", TIME_SHORT "in 29d 4h (20 Dec 11:15)",
 * TIME_FULL "2026-12-20 11:15:00 CET (in 29d 4h)".  Local time; on a pipe, and for what is no time, the
 * text itself.
 */
enum time_form { TIME_BRIEF, TIME_SHORT, TIME_FULL };
void term_add_time(
	const struct term *term, struct buf *out, const char *text, enum time_form form);

#endif
