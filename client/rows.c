/* SPDX-License-Identifier: MIT */
#include "client/rows.h"

#include <stdlib.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "proto/line.h"

static const struct key keys[] = {
#define KEY(command, kind, name, type, help) { COMMAND_##command, kind, name, KEY_##type },
#include "proto/rows.def"
#undef KEY
};

const struct key *key_next(enum command_id command, const char *kind, size_t *at)
{
	while (*at < ARRAY_LEN(keys)) {
		const struct key *key = &keys[(*at)++];

		if (key->command == command && str_is(key->kind, kind ? kind : ""))
			return key;
	}
	return NULL;
}

const struct key *key_find(enum command_id command, const char *kind, const char *name)
{
	const struct key *key;
	size_t at = 0;

	while ((key = key_next(command, kind, &at)))
		if (str_is(key->name, name))
			return key;
	return NULL;
}

enum key_type key_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_is(keys[i].name, name))
			return keys[i].type;
	return KEY_TEXT;
}

int rows_add(struct rows *rows, const struct line *line, struct err *err)
{
	struct cell *cells = arena_zalloc(&rows->arena, line->n * sizeof(cells[0]));
	size_t n = 0;

	/* Plain words in a row are reserved, and ignored. */
	for (size_t i = 1; i < line->n; i++) {
		if (!line->words[i].key)
			continue;
		cells[n++] = (struct cell){ arena_strdup(&rows->arena, line->words[i].key),
			arena_strdup(&rows->arena, line->words[i].value) };
	}
	if (rows->arena.total > ROWS_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "the answer is larger than %zu MiB",
			ROWS_MAX_BYTES >> 20);
	if (rows->n == rows->size) {
		rows->size = rows->size ? rows->size * 2 : 16;
		rows->at = mem_grow(rows->at, rows->size, sizeof(rows->at[0]));
	}
	rows->at[rows->n++] = (struct row){ cells, n };
	return 0;
}

void rows_done(struct rows *rows)
{
	free(rows->at);
	arena_done(&rows->arena);
	rows->at = NULL;
	rows->n = rows->size = 0;
}

const char *row_get(const struct row *row, const char *key)
{
	for (size_t i = 0; i < row->n; i++)
		if (str_is(row->cells[i].key, key))
			return row->cells[i].value;
	return NULL;
}
