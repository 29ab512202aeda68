/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_TERM_H
#define CERTD_CLIENT_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/instant.h"

struct buf;

/*
 * A terminal description says what standard output is connected to, and makes texts fit for it.
 *
 * Widths, colours, shortened cells and times in words are for a terminal; a pipe gets full
 * values and RFC 3339. Values are foreign: all output passes through term_add(), which escapes
 * control characters and those that change the direction of writing. Widths are columns, not
 * bytes. Nothing here prints or owns memory; tests fill the struct themselves.
 */
struct term {
	bool is_terminal;
	bool is_coloured; /* never without is_terminal */
	size_t width;     /* columns; 0: no bound */
	struct instant now;
};

/* Examines standard output, $NO_COLOR, $TERM and $COLUMNS. */
void term_init(struct term *term, bool no_color);

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED };

/* Begins a colour, COLOUR_NONE ends it; no effect without colours. */
void term_colour(const struct term *term, struct buf *out, enum colour colour);

/* The colour of a word of health, a result or a priority; COLOUR_NONE for others. */
enum colour term_colour_of(const char *word);

/* Appends a foreign text with its control characters escaped. */
void term_add(struct buf *out, const char *text);

/* The columns of a text written by term_add(). */
size_t term_width(const char *text);

/* Appends at most `width` columns of a text; a shortened one ends in an ellipsis. */
void term_add_fit(struct buf *out, const char *text, size_t width);

/*
 * Appends a time of the protocol: TIME_BRIEF "in 29d 4h", TIME_SHORT "in 29d 4h (20 Dec
 * 11:15)", TIME_FULL "2026-12-20 11:15:00 CET (in 29d 4h)". Local time; on a pipe, and for a
 * text that is no time, the text itself.
 */
enum time_form { TIME_BRIEF, TIME_SHORT, TIME_FULL };
void term_add_time(
	const struct term *term, struct buf *out, const char *text, enum time_form form);

#endif
