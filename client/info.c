/* SPDX-License-Identifier: MIT */
#include "client/info.h"

#include <stdio.h>
#include <string.h>

#include "client/material.h"
#include "client/term.h"
#include "client/view.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/describe.h"

/* The column of values, and the width at which lists of names are wrapped. */
#define VALUE_COLUMN 14
#define LINE_WIDTH 78

struct view {
	struct buf out;
	struct instant now;
	bool is_json;
	size_t n_objects;
};

static void add_wrapped(struct buf *out, const char *words)
{
	size_t column = VALUE_COLUMN;

	while (*words) {
		size_t len = strcspn(words, " ");
		char *word AUTO_FREE = mem_strndup(words, len);

		if (column > VALUE_COLUMN && column + len + 1 > LINE_WIDTH) {
			buf_printf(out, "\n%*s", VALUE_COLUMN, "");
			column = VALUE_COLUMN;
		}
		if (column > VALUE_COLUMN)
			buf_add_char(out, ' ');
		term_add(out, word);
		column += len + 1;
		words += len + (words[len] == ' ');
	}
}

static void add_left(struct buf *out, const char *end, struct instant now)
{
	char text[DURATION_TEXT_LEN];
	struct instant t;
	struct err err;

	if (instant_parse(end, &t, &err) < 0)
		return;
	if (instant_before(now, t))
		buf_printf(out, " (%s left)", duration_brief(instant_since(t, now), text));
	else
		buf_printf(out, " (ended %s ago)", duration_brief(instant_since(now, t), text));
}

static void tell(void *data, const char *key, const char *value)
{
	struct view *view = data;

	if (view->is_json) {
		buf_add_text(&view->out, ", ");
		buf_add_json(&view->out, key);
		buf_add_text(&view->out, ": ");
		buf_add_json(&view->out, value);
		return;
	}
	buf_printf(&view->out, "  %-*s", VALUE_COLUMN - 2, key);
	if (str_is(key, "names"))
		add_wrapped(&view->out, value);
	else
		term_add(&view->out, value);
	if (str_is(key, "not_after"))
		add_left(&view->out, value, view->now);
	buf_add_char(&view->out, '\n');
}

static void begin(struct view *view, const char *path, const struct material_item *item)
{
	const char *kind = material_kind_text(item->kind);

	if (view->is_json) {
		buf_add_text(&view->out, view->n_objects ? ",\n {\"file\": " : "[{\"file\": ");
		buf_add_json(&view->out, path);
		buf_add_text(&view->out, ", \"kind\": ");
		buf_add_json(&view->out, kind);
	} else {
		if (view->n_objects)
			buf_add_char(&view->out, '\n');
		term_add(&view->out, path);
		buf_printf(&view->out, ": %s\n", kind);
	}
	view->n_objects++;
}

static void show_item(struct view *view, const char *path, const struct material_item *item)
{
	begin(view, path, item);
	switch (item->kind) {
	case MATERIAL_KEY:
		key_describe(item->key, tell, view);
		break;
	case MATERIAL_REQUEST:
		csr_describe(item->csr, tell, view);
		break;
	case MATERIAL_CERT:
		cert_describe(item->cert, tell, view);
		break;
	case MATERIAL_OTHER:
		tell(view, "label", item->label);
		break;
	}
	if (view->is_json)
		buf_add_char(&view->out, '}');
}

/* Shows what could be read before an error. */
static int show_file(struct view *view, const char *path)
{
	struct material material CLEANUP(material_done) = { .n = 0 };
	bool is_stdin = str_is(path, "-");
	struct err err = ERR_INIT;
	int ret = material_read(is_stdin ? NULL : path, &material, &err);

	for (size_t i = 0; i < material.n; i++)
		show_item(view, is_stdin ? "standard input" : path, &material.items[i]);
	if (ret < 0)
		fprintf(stderr, "certctl: %s\n", err.text);
	return ret;
}

/* Removes the options from argv; returns the number of files, which start at argv[1], or -1. */
static int take_options(int argc, char **argv, struct view *view)
{
	bool is_ended = false;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (!is_ended && str_is(argv[i], "--")) {
			is_ended = true;
		} else if (!is_ended && str_is(argv[i], "--json")) {
			view->is_json = true;
		} else if (!is_ended && argv[i][0] == '-' && argv[i][1]) {
			fprintf(stderr, "certctl: info has no option %s\n", argv[i]);
			return -1;
		} else {
			argv[1 + n++] = argv[i];
		}
	}
	return n;
}

int info_main(int argc, char **argv, bool is_json)
{
	struct view view = { .is_json = is_json, .now = clock_now() };
	int status = 0, n_files = take_options(argc, argv, &view);

	if (n_files < 0)
		return 2;
	for (int i = 0; i < n_files; i++)
		status |= show_file(&view, argv[1 + i]) < 0;
	if (n_files == 0)
		status = show_file(&view, "-") < 0;
	if (view.is_json)
		buf_add_text(&view.out, view.n_objects ? "]\n" : "[]\n");
	fputs(buf_text(&view.out), stdout);
	buf_done(&view.out);
	return status;
}
