/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_YAML_DIAG_H
#define CERTD_LIB_YAML_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/mem.h"

struct buf;

/*
 * A diagnostic reports one error or warning in a set of files; all of one run are collected.
 *
 * Each diagnostic has a place, a path ("groups.ca.my-root.key") and a sentence. They are added
 * in any order and printed in the order of the files and their lines, as
 *
 *	FILE:LINE:COLUMN: error: PATH: SENTENCE
 *
 * (or "warning:"), to which editors can jump. yaml_diags_file() numbers files in the order in
 * which they are first named. Only DIAGS_MAX diagnostics are kept and the rest are counted, so
 * that hostile files cost no memory. The owner calls yaml_diags_done(); a zeroed struct is
 * fine.
 */

#define DIAGS_MAX 1000

/* Lines and columns count from 1; columns stop at 65535. */
struct yaml_place {
	uint32_t line;
	uint16_t column;
	uint16_t file;
};

/* A path as a chain of stack frames; only a diagnostic turns it into text. */
struct yaml_path {
	const struct yaml_path *up; /* NULL: the root */
	const char *key;            /* NULL: a list's `index` */
	size_t index;
};

struct yaml_diag {
	struct yaml_place place;
	bool is_error;
	const char *text; /* "PATH: SENTENCE" */
};

struct yaml_diags {
	struct arena arena;
	struct yaml_diag *at;
	size_t n, size;
	size_t n_errors, n_warnings; /* including those that were not kept */
	const char **files;
	size_t n_files;
};

/* The number of a file; the same path always has the same one. */
uint16_t yaml_diags_file(struct yaml_diags *diags, const char *path);

/* The name of a file by its number. */
const char *yaml_diags_name(const struct yaml_diags *diags, uint16_t file);

void yaml_error(struct yaml_diags *diags, struct yaml_place place, const struct yaml_path *path,
	const char *fmt, ...) PRINTF(4, 5);
void yaml_warn(struct yaml_diags *diags, struct yaml_place place, const struct yaml_path *path,
	const char *fmt, ...) PRINTF(4, 5);

/* Sorts the diagnostics by file and line; yaml_diags_print() does so itself. */
void yaml_diags_sort(struct yaml_diags *diags);

/* "FILE:LINE:COLUMN: error: PATH: SENTENCE", without a line feed, appended to out. */
void yaml_diag_print(
	const struct yaml_diags *diags, const struct yaml_diag *diag, struct buf *out);

/* Appends all diagnostics in file order, one a line, to out. */
void yaml_diags_print(struct yaml_diags *diags, struct buf *out);
void yaml_diags_done(struct yaml_diags *diags);

#endif
