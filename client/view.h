/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_VIEW_H
#define CERTD_CLIENT_VIEW_H

#include "client/rows.h"
#include "client/term.h"

struct buf;
struct line;

/*
 * How answers look: pure functions from rows to text, so that tests need no terminal.
 *
 * view_rows() chooses by command: a table for lists, sections for `show`, a timeline for `plan`,
 * plain lines for TEXT answers.  A row key that no view knows is shown as it comes.  JSON has one
 * form for all: an array of objects, one per row.  Everything that came from outside is made
 * harmless on its way (client/term.h).
 */

/* Whatever fits the command. */
void view_rows(const struct rows *rows, const struct term *term, struct buf *out);

/* Columns of equal width with a header; nothing at all without rows. */
void show_table(const struct rows *rows, const struct term *term, struct buf *out);

/* Rows [from, to) of one kind as a table of their known keys and whatever else is there. */
void show_table_plain(const struct rows *rows, size_t from, size_t to, const struct term *term,
	struct buf *out);

/* `text` of each row as a line of its own. */
void show_text(const struct rows *rows, struct buf *out);

/* Rows of several kinds, each kind under its title. */
void show_sections(const struct rows *rows, const struct term *term, struct buf *out);

/* Rows with `at`, under a line for each day. */
void show_timeline(const struct rows *rows, const struct term *term, struct buf *out);

/*
 * One JSON array with an object per row and a line feed.  Known keys that a row does not have are
 * null, numbers and truths are such, times are strings.
 */
void show_json(const struct rows *rows, struct buf *out);

/* One JSON string, or null for NULL. */
void show_json_text(const char *text, struct buf *out);

/* The keys behind the first word of a line as one object, in one line. */
void show_json_line(const struct line *line, struct buf *out);

/* One event of a stream for people, in one line. */
void show_event(const struct line *event, const struct term *term, struct buf *out);

#endif
