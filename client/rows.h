/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_ROWS_H
#define CERTD_CLIENT_ROWS_H

#include <stddef.h>

#include "lib/base/mem.h"
#include "proto/commands.h"

struct err;
struct line;

/*
 * The rows of one answer, kept until it is complete: a table needs all of them for its widths, and
 * a JSON document must be whole or not be there at all.  Memory is bounded by ROWS_MAX_BYTES.
 *
 * What is known about keys comes from proto/rows.def; keys that are not there are kept and shown too.
 * Rows belong to the arena; rows_done() frees everything.
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

/* Copies what stands behind the first word.  -1 with ERR_TOO_LARGE beyond the bound. */
int rows_add(struct rows *rows, const struct line *line, struct err *err);
void rows_done(struct rows *rows);

/* The value, or NULL. */
const char *row_get(const struct row *row, const char *key);

enum key_type { KEY_NAME, KEY_WORD, KEY_TEXT, KEY_TIME, KEY_NUMBER, KEY_BOOL };

struct key {
	enum command_id command;
	const char *kind; /* the value of kind=, "" for answers that have none */
	const char *name;
	enum key_type type;
};

/*
 * The known keys of a row of this kind, in their order, one per call: start with *at = 0; NULL at
 * the end.  `kind` may be NULL.
 */
const struct key *key_next(enum command_id command, const char *kind, size_t *at);

/* One of them by its name, or NULL. */
const struct key *key_find(enum command_id command, const char *kind, const char *name);

/* What a key of this name is anywhere; KEY_TEXT when it is nowhere. */
enum key_type key_type(const char *name);

#endif
