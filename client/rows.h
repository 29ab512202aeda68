/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_ROWS_H
#define CERTD_CLIENT_ROWS_H

#include <stddef.h>

#include "lib/base/mem.h"
#include "proto/commands.h"

struct err;
struct line;

/*
 * A row set holds the rows of one answer until it is complete: a table needs all of them for
 * its widths, and a JSON document must be whole or absent. ROWS_MAX_BYTES bounds its memory.
 *
 * proto/rows.def defines the known keys; unknown keys are kept and shown too. Rows belong to
 * the arena; rows_done() frees everything.
 */

#define ROWS_MAX_BYTES ((size_t)512 * 1024 * 1024)

struct cell {
	const char *key, *value;
};

struct row {
	const struct cell *cells;
	size_t n;
};

struct rows {
	const struct command *command;
	struct row *at;
	size_t n, size;
	struct arena arena;
};

/* Copies the keys of a row line. -1 with ERR_TOO_LARGE beyond the bound. */
int rows_add(struct rows *rows, const struct line *line, struct err *err);
void rows_done(struct rows *rows);

/* The value, or NULL. */
const char *row_get(const struct row *row, const char *key);

enum key_type { KEY_NAME, KEY_WORD, KEY_TEXT, KEY_TIME, KEY_NUMBER, KEY_BOOL };

struct key {
	enum command_id command;
	const char *kind; /* the value of kind=, "" for answers without kinds */
	const char *name;
	enum key_type type;
};

/*
 * Returns the known keys of a row of this kind in their order, one per call: start with *at =
 * 0; NULL at the end. `kind` may be NULL.
 */
const struct key *key_next(enum command_id command, const char *kind, size_t *at);

/* A known key by its name, or NULL. */
const struct key *key_find(enum command_id command, const char *kind, const char *name);

/* The type of a key of this name in any command; KEY_TEXT when it is unknown. */
enum key_type key_type(const char *name);

#endif
