/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_VIEW_H
#define CERTD_CLIENT_VIEW_H

#include "client/rows.h"
#include "client/term.h"

struct buf;
struct line;

/*
 * A view turns rows into text; views are pure functions, so tests need no terminal.
 *
 * view_rows() chooses by command: a table for lists, sections for `show`, a timeline for
 * `plan`, plain lines for TEXT answers. Unknown row keys are shown unchanged. JSON has one form
 * for all: an array of objects, one per row. Foreign text is escaped (client/term.h).
 */

/* Appends the view that belongs to the command. */
void view_rows(const struct rows *rows, const struct term *term, struct buf *out);

/* Columns of equal width with a header; nothing without rows. */
void show_table(const struct rows *rows, const struct term *term, struct buf *out);

/* Rows [from, to) of one kind as a table of their known keys, then the others. */
void show_table_plain(const struct rows *rows, size_t from, size_t to, const struct term *term,
	struct buf *out);

/* `text` of each row as a line of its own. */
void show_text(const struct rows *rows, struct buf *out);

/* Rows of several kinds, each kind under its title. */
void show_sections(const struct rows *rows, const struct term *term, struct buf *out);

/* Rows with `at`, under a line for each day. */
void show_timeline(const struct rows *rows, const struct term *term, struct buf *out);

/*
 * One JSON array with an object per row and a line feed. Known keys that a row lacks are null,
 * numbers and booleans have their JSON types, times are strings.
 */
void show_json(const struct rows *rows, struct buf *out);

/* One JSON string, or null for NULL. */
void show_json_text(const char *text, struct buf *out);

/* The keys behind the first word of a line as one object, on one line. */
void show_json_line(const struct line *line, struct buf *out);

/* One event of a stream for people, in one line. */
void show_event(const struct line *event, const struct term *term, struct buf *out);

#endif
