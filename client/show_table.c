/* SPDX-License-Identifier: MIT */
#include "client/view.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"

/*
 * The content of a column, which decides how a value is written and whether it may be
 * shortened.
 */
enum style {
	STYLE_WORD,
	STYLE_ACTION,
	STYLE_TEXT,
	STYLE_HEALTH,
	STYLE_TIME,
	STYLE_BRIEF,
	STYLE_NUMBER
};

enum { MAX_COLUMNS = 24, MIN_WIDTH = 8, GAP = 2 };

struct column {
	const char *title;
	const char *keys; /* the first of these keys that a row has */
	enum style style;
};

/* Layouts with titles of their own; other tables are made from proto/rows.def. */
struct layout {
	enum command_id command;
	struct column columns[8];
};

static const struct layout layouts[] = {
	{ COMMAND_STATUS,
		{
			{ "certificate", "cert", STYLE_WORD },
			{ "health", "health", STYLE_HEALTH },
			{ "current until", "curr_expires", STYLE_BRIEF },
			{ "next", "action", STYLE_ACTION },
			{ "when", "at", STYLE_TIME },
			{ "why", "error_text reason why", STYLE_TEXT },
		} },
	{ COMMAND_VERSIONS,
		{
			{ "version", "version", STYLE_WORD },
			{ "link", "link", STYLE_WORD },
			{ "stored", "created", STYLE_TIME },
			{ "ends", "not_after", STYLE_TIME },
			{ "key", "key", STYLE_WORD },
			{ "ca", "ca", STYLE_WORD },
		} },
	{ COMMAND_JOBS,
		{
			{ "job", "job", STYLE_NUMBER },
			{ "does", "action", STYLE_WORD },
			{ "certificate", "cert", STYLE_WORD },
			{ "step", "step", STYLE_TEXT },
			{ "started", "started", STYLE_TIME },
		} },
	{ COMMAND_DNS_CHECK,
		{
			{ "address", "address", STYLE_WORD },
			{ "server", "server", STYLE_WORD },
			{ "role", "role", STYLE_WORD },
			{ "answer", "observation", STYLE_HEALTH },
			{ "says", "said", STYLE_TEXT },
			{ "serial", "serial", STYLE_NUMBER },
			{ "ttl", "ttl", STYLE_NUMBER },
		} },
	{ COMMAND_HELP,
		{
			{ "command", "command", STYLE_WORD },
			{ "role", "role", STYLE_WORD },
			{ "does", "text", STYLE_TEXT },
			{ "arguments", "arguments", STYLE_TEXT },
		} },
};

struct table {
	const struct term *term;
	struct column columns[MAX_COLUMNS];
	size_t widths[MAX_COLUMNS];
	size_t n;
	bool is_brief; /* times in their shortest form */
};

/*
 * State: a table lives for one call of show_table() or show_table_plain(). Columns come from a
 * layout or from the rows; measure() sets their widths, shrink() reduces them until a line fits
 * the terminal, and then the rows are written. Nothing is allocated but the output.
 *
 * Returns the value of the first of the column's keys that the row has, or NULL.
 */
static const char *cell_value(const struct row *row, const struct column *column)
{
	const char *keys = column->keys;

	while (*keys) {
		size_t len = strcspn(keys, " ");

		for (size_t i = 0; i < row->n; i++) {
			const char *key = row->cells[i].key;

			if (strncmp(key, keys, len) == 0 && !key[len])
				return row->cells[i].value;
		}
		keys += len + (keys[len] != 0);
	}
	return NULL;
}

/* An endless sleep is shown as no next action. */
static bool is_nothing(const struct row *row, const char *action)
{
	const char *at = row_get(row, "at");

	return str_is(action, "sleep") && at && str_is(at, "never");
}

static void cell_text(const struct table *table, const struct row *row,
	const struct column *column, struct buf *out)
{
	const char *value = cell_value(row, column);
	bool is_time = column->style == STYLE_TIME || column->style == STYLE_BRIEF;

	buf_clear(out);
	if (!value || !*value)
		buf_add_char(out, '-');
	else if (is_time)
		term_add_time(table->term, out, value,
			table->is_brief || column->style == STYLE_BRIEF ? TIME_BRIEF
									: TIME_SHORT);
	else if (column->style == STYLE_ACTION && is_nothing(row, value))
		buf_add_text(out, "nothing");
	else
		term_add(out, value);
}

/* Sets the widths to those of the widest cells and returns the width of a line. */
static size_t measure(struct table *table, const struct row *rows, size_t n)
{
	struct buf cell AUTO_BUF = BUF_INIT;
	size_t total = 0;

	for (size_t c = 0; c < table->n; c++) {
		size_t width = term_width(table->columns[c].title);

		for (size_t i = 0; i < n; i++) {
			size_t w;

			cell_text(table, &rows[i], &table->columns[c], &cell);
			w = term_width(buf_text(&cell));
			width = w > width ? w : width;
		}
		table->widths[c] = width;
		total += width + (c ? GAP : 0);
	}
	return total;
}

/* Reduces the widest column that may be shortened: sentences first. */
static bool shrink(struct table *table, bool is_text)
{
	size_t widest = table->n, floor = MIN_WIDTH;

	for (size_t c = 0; c < table->n; c++) {
		if ((table->columns[c].style == STYLE_TEXT) == is_text &&
			table->widths[c] > floor) {
			widest = c;
			floor = table->widths[c];
		}
	}
	if (widest == table->n)
		return false;
	table->widths[widest]--;
	return true;
}

static void fit(struct table *table, const struct row *rows, size_t n)
{
	size_t total = measure(table, rows, n), limit = table->term->width;

	if (!limit || total <= limit)
		return;
	table->is_brief = true;
	total = measure(table, rows, n);
	while (total > limit && shrink(table, true))
		total--;
	while (total > limit && shrink(table, false))
		total--;
}

static void pad(struct buf *out, size_t n)
{
	while (n--)
		buf_add_char(out, ' ');
}

static void add_cell(const struct table *table, size_t c, const char *text, enum colour colour,
	struct buf *out)
{
	bool is_last = c + 1 == table->n, is_number = table->columns[c].style == STYLE_NUMBER;
	size_t width = term_width(text), gap = 0;

	if (width < table->widths[c])
		gap = table->widths[c] - width;
	if (c)
		pad(out, GAP);
	if (is_number)
		pad(out, gap);
	if (colour != COLOUR_NONE)
		term_colour(table->term, out, colour);
	term_add_fit(out, text, table->widths[c]);
	if (colour != COLOUR_NONE)
		term_colour(table->term, out, COLOUR_NONE);
	if (!is_number && !is_last)
		pad(out, gap);
}

static void add_table(struct table *table, const struct row *rows, size_t n, struct buf *out)
{
	struct buf cell AUTO_BUF = BUF_INIT;

	fit(table, rows, n);
	for (size_t c = 0; c < table->n; c++)
		add_cell(table, c, table->columns[c].title, COLOUR_BOLD, out);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < table->n; c++) {
			enum colour colour = COLOUR_NONE;

			cell_text(table, &rows[i], &table->columns[c], &cell);
			if (table->columns[c].style == STYLE_HEALTH)
				colour = term_colour_of(buf_text(&cell));
			add_cell(table, c, buf_text(&cell), colour, out);
		}
		buf_add_char(out, '\n');
	}
}

static void add_column(
	struct table *table, const char *title, const char *keys, enum style style)
{
	if (table->n < MAX_COLUMNS)
		table->columns[table->n++] = (struct column){ title, keys, style };
}

static enum style style_of(enum key_type type)
{
	static const enum style styles[] = {
		[KEY_NAME] = STYLE_WORD,
		[KEY_WORD] = STYLE_WORD,
		[KEY_TEXT] = STYLE_TEXT,
		[KEY_TIME] = STYLE_TIME,
		[KEY_NUMBER] = STYLE_NUMBER,
		[KEY_BOOL] = STYLE_WORD,
	};

	return styles[type];
}

static bool has_column(const struct table *table, const char *key)
{
	for (size_t c = 0; c < table->n; c++)
		if (str_is(table->columns[c].keys, key))
			return true;
	return false;
}

static bool is_anywhere(const struct row *rows, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (row_get(&rows[i], key))
			return true;
	return false;
}

/* Makes columns for rows without a layout: known keys first, then the others. */
static void find_columns(
	struct table *table, enum command_id command, const struct row *rows, size_t n)
{
	const char *kind = n ? row_get(&rows[0], "kind") : NULL;
	const struct key *key;
	size_t at = 0;

	while ((key = key_next(command, kind, &at)))
		if (is_anywhere(rows, n, key->name))
			add_column(table, key->name, key->name, style_of(key->type));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < rows[i].n; j++)
			if (!has_column(table, rows[i].cells[j].key) &&
				!str_is(rows[i].cells[j].key, "kind"))
				add_column(table, rows[i].cells[j].key, rows[i].cells[j].key,
					style_of(key_type(rows[i].cells[j].key)));
}

void show_table_plain(const struct rows *rows, size_t from, size_t to, const struct term *term,
	struct buf *out)
{
	struct table table = { .term = term };

	find_columns(&table, rows->command->id, rows->at + from, to - from);
	add_table(&table, rows->at + from, to - from, out);
}

static bool is_filled(const struct rows *rows, const struct column *column)
{
	for (size_t i = 0; i < rows->n; i++)
		if (cell_value(&rows->at[i], column))
			return true;
	return false;
}

/* The rows before the first one of a kind that the answer knows. */
static size_t count_plain(const struct rows *rows)
{
	size_t n = 0;

	while (n < rows->n) {
		const char *kind = row_get(&rows->at[n], "kind");

		if (kind && key_next(rows->command->id, kind, &(size_t){ 0 }))
			break;
		n++;
	}
	return n;
}

/* Rows of another kind behind those of the table, under a header of their own. */
static void add_rest(
	const struct rows *rows, size_t from, const struct term *term, struct buf *out)
{
	if (from == rows->n)
		return;
	if (from)
		buf_add_char(out, '\n');
	show_table_plain(rows, from, rows->n, term, out);
}

void show_table(const struct rows *rows, const struct term *term, struct buf *out)
{
	struct table table = { .term = term };

	size_t n = count_plain(rows);

	if (!n) {
		add_rest(rows, 0, term, out);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		const struct column *column = layouts[i].columns;

		if (layouts[i].command != rows->command->id)
			continue;
		/* Scripts count columns, so only a terminal omits empty ones. */
		for (size_t c = 0; c < ARRAY_LEN(layouts[i].columns) && column[c].title; c++)
			if (!term->is_terminal || is_filled(rows, &column[c]))
				add_column(&table, column[c].title, column[c].keys,
					column[c].style);
		add_table(&table, rows->at, n, out);
		add_rest(rows, n, term, out);
		return;
	}
	show_table_plain(rows, 0, rows->n, term, out);
}
