/* SPDX-License-Identifier: MIT */
#include "client/view.h"

#include <string.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "proto/line.h"

void show_text(const struct rows *rows, struct buf *out)
{
	for (size_t i = 0; i < rows->n; i++) {
		const char *text = row_get(&rows->at[i], "text");

		term_add(out, text ? text : "");
		buf_add_char(out, '\n');
	}
}

/* Keys have underscores, labels have spaces. */
static void add_label(const struct term *term, struct buf *out, const char *key, size_t width)
{
	size_t len = strlen(key);

	buf_add_text(out, "  ");
	term_colour(term, out, COLOUR_DIM);
	for (const char *p = key; *p; p++)
		buf_add_char(out, *p == '_' ? ' ' : *p);
	term_colour(term, out, COLOUR_NONE);
	for (size_t i = len; i < width + 2; i++)
		buf_add_char(out, ' ');
}

static void add_labelled(const struct term *term, struct buf *out, enum key_type type,
	const struct cell *cell, size_t width)
{
	enum colour colour =
		str_is(cell->key, "health") ? term_colour_of(cell->value) : COLOUR_NONE;

	add_label(term, out, cell->key, width);
	if (colour != COLOUR_NONE)
		term_colour(term, out, colour);
	if (type == KEY_TIME)
		term_add_time(term, out, cell->value, TIME_FULL);
	else
		term_add(out, cell->value);
	if (colour != COLOUR_NONE)
		term_colour(term, out, COLOUR_NONE);
	buf_add_char(out, '\n');
}

/* Shows one row as a list of labels and values, known keys first. */
static void add_list(const struct rows *rows, const struct row *row, const struct term *term,
	struct buf *out)
{
	const char *kind = row_get(row, "kind");
	const struct key *key;
	size_t at = 0, width = 0;

	for (size_t i = 0; i < row->n; i++)
		if (strlen(row->cells[i].key) > width)
			width = strlen(row->cells[i].key);
	while ((key = key_next(rows->command->id, kind, &at))) {
		const char *value = row_get(row, key->name);

		if (value)
			add_labelled(term, out, key->type, &(struct cell){ key->name, value },
				width);
	}
	for (size_t i = 0; i < row->n; i++)
		if (!str_is(row->cells[i].key, "kind") &&
			!key_find(rows->command->id, kind, row->cells[i].key))
			add_labelled(term, out, KEY_TEXT, &row->cells[i], width);
}

static bool is_same_kind(const struct row *a, const struct row *b)
{
	const char *kind_a = row_get(a, "kind"), *kind_b = row_get(b, "kind");

	return str_is(kind_a ? kind_a : "", kind_b ? kind_b : "");
}

static void add_plural(const char *noun, bool is_many, struct buf *out)
{
	struct buf text AUTO_BUF = BUF_INIT;
	size_t len = strlen(noun);

	if (is_many && len && noun[len - 1] == 'y')
		buf_printf(&text, "%.*sies", (int)len - 1, noun);
	else
		buf_printf(&text, "%s%s", noun, is_many ? "s" : "");
	term_add(out, buf_text(&text));
}

static void add_title(
	const struct term *term, struct buf *out, const struct row *row, bool is_many)
{
	const char *kind = row_get(row, "kind"), *cert = row_get(row, "cert");

	term_colour(term, out, COLOUR_BOLD);
	if (kind && str_is(kind, "cert") && cert) {
		term_add(out, cert);
	} else {
		add_plural(kind ? kind : "row", !kind || is_many, out);
	}
	term_colour(term, out, COLOUR_NONE);
	buf_add_char(out, '\n');
}

void show_sections(const struct rows *rows, const struct term *term, struct buf *out)
{
	size_t to;

	for (size_t from = 0; from < rows->n; from = to) {
		const char *kind = row_get(&rows->at[from], "kind");
		bool is_list = !kind || str_is(kind, "cert");

		for (to = from + 1; to < rows->n && !is_list; to++)
			if (!is_same_kind(&rows->at[from], &rows->at[to]))
				break;
		if (from)
			buf_add_char(out, '\n');
		if (kind)
			add_title(term, out, &rows->at[from], !is_list);
		if (is_list)
			add_list(rows, &rows->at[from], term, out);
		else
			show_table_plain(rows, from, to, term, out);
	}
}

/* The local date and time of a row; false when it has none. */
static bool row_time(const struct row *row, struct tm *tm, struct instant *t)
{
	const char *text = row_get(row, "at");
	struct err err = ERR_INIT;

	return text && !instant_parse(text, t, &err) && t->s != INT64_MAX &&
	       localtime_r(&(time_t){ t->s }, tm);
}

static size_t column_width(const struct rows *rows, const char *key)
{
	size_t width = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const char *value = row_get(&rows->at[i], key);
		size_t w = value ? term_width(value) : 0;

		width = w > width ? w : width;
	}
	return width > 40 ? 40 : width;
}

static void add_padded(struct buf *out, const char *text, size_t width)
{
	struct buf clean AUTO_BUF = BUF_INIT;

	term_add(&clean, text ? text : "");
	term_add_fit(out, buf_text(&clean), width);
	for (size_t i = term_width(buf_text(&clean)); i < width; i++)
		buf_add_char(out, ' ');
	buf_add_text(out, "  ");
}

/* Widths of the columns of a timeline. */
struct widths {
	size_t action, cert;
};

static void add_moment(const struct row *row, const struct term *term, const char *clock,
	const struct widths *widths, struct buf *out)
{
	const char *reason = row_get(row, "reason"), *target = row_get(row, "target");
	struct buf line AUTO_BUF = BUF_INIT;

	buf_printf(&line, "  %s  ", clock);
	add_padded(&line, row_get(row, "action"), widths->action);
	add_padded(&line, row_get(row, "cert"), widths->cert);
	if (target) {
		buf_add_text(&line, "to ");
		term_add(&line, target);
		buf_add_text(&line, ": ");
	}
	reason = reason ? reason : row_get(row, "why");
	term_add(&line, reason ? reason : "");
	term_add_fit(out, buf_text(&line), term->width ? term->width : SIZE_MAX);
	buf_add_char(out, '\n');
}

static void add_day(
	const struct term *term, struct buf *out, const struct tm *tm, struct instant t)
{
	char day[64], wait[DURATION_TEXT_LEN];

	strftime(day, sizeof(day), "%A %e %B %Y", tm);
	term_colour(term, out, COLOUR_BOLD);
	buf_add_text(out, day);
	term_colour(term, out, COLOUR_NONE);
	if (instant_before(term->now, t))
		buf_printf(out, " (in %s)", duration_brief(instant_since(t, term->now), wait));
	buf_add_char(out, '\n');
}

void show_timeline(const struct rows *rows, const struct term *term, struct buf *out)
{
	struct widths widths = { column_width(rows, "action"), column_width(rows, "cert") };
	struct tm tm, last = { .tm_year = -1 };
	struct instant t;

	if (!term->is_terminal) {
		show_table(rows, term, out);
		return;
	}
	for (size_t i = 0; i < rows->n; i++) {
		char clock[16] = "--:--:--";

		if (row_time(&rows->at[i], &tm, &t)) {
			if (tm.tm_year != last.tm_year || tm.tm_yday != last.tm_yday)
				add_day(term, out, &tm, t);
			last = tm;
			strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
		}
		add_moment(&rows->at[i], term, clock, &widths, out);
	}
}

/* Any command may answer lines of text; a reload answers its diagnostics so. */
static bool is_text(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->at[i].n != 1 || !row_get(&rows->at[i], "text"))
			return false;
	return true;
}

void view_rows(const struct rows *rows, const struct term *term, struct buf *out)
{
	if (rows->command->shape == SHAPE_TEXT || is_text(rows))
		show_text(rows, out);
	else if (rows->command->id == COMMAND_SHOW)
		show_sections(rows, term, out);
	else if (rows->command->id == COMMAND_PLAN)
		show_timeline(rows, term, out);
	else
		show_table(rows, term, out);
}

/* Adds the keys that an event's sentence does not contain; all of them without a sentence. */
static void add_event_keys(struct buf *out, const struct line *event, bool has_text)
{
	for (size_t i = 1; i < event->n; i++) {
		const char *key = event->words[i].key;

		if (!key || str_is(key, "seq") || str_is(key, "at") || str_is(key, "name") ||
			str_is(key, "cert") || (has_text && !str_is(key, "job")))
			continue;
		buf_printf(out, "  %s=", key);
		term_add(out, event->words[i].value);
	}
}

void show_event(const struct line *event, const struct term *term, struct buf *out)
{
	const char *at = line_get(event, "at"), *name = line_get(event, "name");
	const char *cert = line_get(event, "cert"), *text = line_get(event, "text");
	struct err err = ERR_INIT;
	struct instant t;
	struct tm tm;
	char clock[64];

	if (at && term->is_terminal && !instant_parse(at, &t, &err) &&
		localtime_r(&(time_t){ t.s }, &tm)) {
		strftime(clock, sizeof(clock), "%Y-%m-%d %H:%M:%S", &tm);
		at = clock;
	}
	term_add(out, at ? at : "-");
	buf_add_text(out, "  ");
	term_colour(term, out, COLOUR_BOLD);
	add_padded(out, name ? name : "-", 17);
	term_colour(term, out, COLOUR_NONE);
	/* A sentence is complete and usually begins with the certificate. */
	if (cert && !(text && strstr(text, cert))) {
		term_add(out, cert);
		buf_add_text(out, text ? "  " : "");
	}
	term_add(out, text ? text : "");
	add_event_keys(out, event, text != NULL);
	buf_add_char(out, '\n');
}
