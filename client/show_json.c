/* SPDX-License-Identifier: MIT */
#include "client/view.h"

#include <inttypes.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "proto/line.h"

static void add_value(struct buf *out, enum key_type type, const char *value)
{
	int64_t n;

	if (type == KEY_NUMBER && str_to_int(value, INT64_MIN, INT64_MAX, &n))
		buf_printf(out, "%" PRId64, n);
	else if (type == KEY_BOOL && (str_is(value, "yes") || str_is(value, "no")))
		buf_add_text(out, str_is(value, "yes") ? "true" : "false");
	else
		buf_add_json(out, value);
}

void show_json_text(const char *text, struct buf *out)
{
	if (text)
		buf_add_json(out, text);
	else
		buf_add_text(out, "null");
}

static void add_pair(struct buf *out, const char **gap, enum key_type type, const char *key,
	const char *value)
{
	buf_add_text(out, *gap);
	*gap = ", ";
	buf_add_json(out, key);
	buf_add_text(out, ": ");
	if (value)
		add_value(out, type, value);
	else
		buf_add_text(out, "null");
}

/* Did the key occur before? A JSON object must not repeat a key. */
static bool is_repeated(const struct row *row, size_t n)
{
	return row_get(row, row->cells[n].key) != row->cells[n].value;
}

static void add_row(struct buf *out, enum command_id command, const struct row *row)
{
	const char *kind = row_get(row, "kind"), *gap = "";
	const struct key *key;
	size_t at = 0;

	/* In an answer without kinds, kind= is an ordinary key. */
	if (kind && !key_next(command, kind, &(size_t){ 0 }))
		kind = NULL;
	buf_add_char(out, '{');
	if (kind)
		add_pair(out, &gap, KEY_WORD, "kind", kind);
	while ((key = key_next(command, kind, &at)))
		add_pair(out, &gap, key->type, key->name, row_get(row, key->name));
	for (size_t i = 0; i < row->n; i++) {
		const char *name = row->cells[i].key;

		if ((kind && str_is(name, "kind")) || key_find(command, kind, name) ||
			is_repeated(row, i))
			continue;
		add_pair(out, &gap, key_type(name), name, row->cells[i].value);
	}
	buf_add_char(out, '}');
}

void show_json(const struct rows *rows, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < rows->n; i++) {
		buf_add_text(out, i ? ",\n " : "\n ");
		add_row(out, rows->command->id, &rows->at[i]);
	}
	buf_add_text(out, rows->n ? "\n]\n" : "]\n");
}

/* The keys with numbers in ok and event lines. */
static enum key_type line_key_type(const char *key)
{
	static const char *const numbers[] = { "job", "seq", "rows", "count", "tries", NULL };

	for (size_t i = 0; numbers[i]; i++)
		if (str_is(numbers[i], key))
			return KEY_NUMBER;
	return KEY_TEXT;
}

void show_json_line(const struct line *line, struct buf *out)
{
	const char *gap = "";

	buf_add_char(out, '{');
	for (size_t i = 1; i < line->n; i++) {
		const struct word *word = &line->words[i];

		if (word->key && line_get(line, word->key) == word->value)
			add_pair(out, &gap, line_key_type(word->key), word->key, word->value);
	}
	buf_add_text(out, "}\n");
}
