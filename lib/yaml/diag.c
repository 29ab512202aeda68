/* SPDX-License-Identifier: MIT */
#include "lib/yaml/diag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/base/text.h"

/* The bound of a sentence with a key or value from a file. */
#define SENTENCE_MAX 600

uint16_t yaml_diags_file(struct yaml_diags *diags, const char *path)
{
	for (size_t i = diags->n_files; i-- > 0;)
		if (str_is(diags->files[i], path))
			return (uint16_t)i;
	assert(diags->n_files < UINT16_MAX);
	diags->files = mem_grow(diags->files, diags->n_files + 1, sizeof(*diags->files));
	diags->files[diags->n_files] = arena_strdup(&diags->arena, path);
	return (uint16_t)diags->n_files++;
}

const char *yaml_diags_name(const struct yaml_diags *diags, uint16_t file)
{
	assert(file < diags->n_files);
	return diags->files[file];
}

static void add_path(struct buf *out, const struct yaml_path *path)
{
	if (!path)
		return;
	add_path(out, path->up);
	if (!path->key)
		buf_printf(out, "[%zu]", path->index);
	else
		buf_printf(out, "%s%.120s", out->len ? "." : "", path->key);
}

static PRINTF(5, 0) void add(struct yaml_diags *diags, bool is_error, struct yaml_place place,
	const struct yaml_path *path, const char *fmt, va_list ap)
{
	struct buf text AUTO_BUF = BUF_INIT, shown AUTO_BUF = BUF_INIT;
	char sentence[SENTENCE_MAX];

	*(is_error ? &diags->n_errors : &diags->n_warnings) += 1;
	if (diags->n >= DIAGS_MAX)
		return;
	add_path(&text, path);
	if (!text.len)
		buf_add_text(&text, "top");
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	buf_printf(&text, ": %s", sentence);
	text_show(&shown, text.data, text.len);
	if (diags->n == diags->size) {
		diags->size = diags->size ? diags->size * 2 : 16;
		diags->at = mem_grow(diags->at, diags->size, sizeof(*diags->at));
	}
	diags->at[diags->n++] = (struct yaml_diag){ .place = place,
		.is_error = is_error,
		.text = arena_strdup(&diags->arena, buf_text(&shown)) };
}

void yaml_error(struct yaml_diags *diags, struct yaml_place place, const struct yaml_path *path,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(diags, true, place, path, fmt, ap);
	va_end(ap);
}

void yaml_warn(struct yaml_diags *diags, struct yaml_place place, const struct yaml_path *path,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(diags, false, place, path, fmt, ap);
	va_end(ap);
}

static int by_place(const void *left, const void *right)
{
	const struct yaml_diag *a = left, *b = right;

	if (a->place.file != b->place.file)
		return a->place.file < b->place.file ? -1 : 1;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	return strcmp(a->text, b->text);
}

void yaml_diags_sort(struct yaml_diags *diags)
{
	if (diags->n)
		qsort(diags->at, diags->n, sizeof(*diags->at), by_place);
}

void yaml_diag_print(
	const struct yaml_diags *diags, const struct yaml_diag *diag, struct buf *out)
{
	buf_printf(out, "%s:%u:%u: %s: %s", yaml_diags_name(diags, diag->place.file),
		diag->place.line, diag->place.column, diag->is_error ? "error" : "warning",
		diag->text);
}

void yaml_diags_print(struct yaml_diags *diags, struct buf *out)
{
	size_t all = diags->n_errors + diags->n_warnings;
	const struct yaml_diag *d = NULL;

	if (!diags->n)
		return;
	yaml_diags_sort(diags);
	for (size_t i = 0; i < diags->n; i++) {
		d = &diags->at[i];
		yaml_diag_print(diags, d, out);
		buf_add_char(out, '\n');
	}
	if (all > diags->n)
		buf_printf(out, "%s:%u:%u: error: top: %zu more mistakes are not shown\n",
			yaml_diags_name(diags, d->place.file), d->place.line, d->place.column,
			all - diags->n);
}

void yaml_diags_done(struct yaml_diags *diags)
{
	arena_done(&diags->arena);
	free(diags->at);
	free(diags->files);
	*diags = (struct yaml_diags){ 0 };
}
