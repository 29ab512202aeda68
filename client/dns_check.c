/* SPDX-License-Identifier: MIT */
#include "client/dns_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/failure.h"
#include "client/options.h"
#include "client/view.h"
#include "client/watch.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "proto/line.h"

/* A table is redrawn in place only within these rows and columns; KEYS bounds a row. */
enum { LIVE_ROWS = 20, LIVE_WIDTH = 70, KEYS = 16 };

struct drawing {
	const struct options *options;
	const struct term *term;
	struct rows rows;
	size_t n_lines; /* on the terminal, to be redrawn */
	struct err err;
};

static bool is_live(const struct drawing *drawing)
{
	return drawing->options->is_waiting && drawing->term->is_coloured &&
	       !drawing->options->is_json && drawing->rows.n <= LIVE_ROWS &&
	       (!drawing->term->width || drawing->term->width >= LIVE_WIDTH);
}

static void draw(struct drawing *drawing)
{
	struct buf out AUTO_BUF = BUF_INIT;

	if (drawing->n_lines)
		buf_printf(&out, "\x1b[%zuA\x1b[J", drawing->n_lines);
	view_rows(&drawing->rows, drawing->term, &out);
	drawing->n_lines = 0;
	fputs(buf_text(&out), stdout);
	fflush(stdout);
}

static void draw_over(struct drawing *drawing)
{
	draw(drawing);
	drawing->n_lines = drawing->rows.n + 1;
}

/* Keeps those words of the event that are keys of a row. */
static void take_row(struct drawing *drawing, const struct line *event)
{
	struct rows *rows = &drawing->rows;
	struct word words[KEYS] = { { NULL, NULL } };
	struct line picked = { .words = words, .n = 1 };
	const char *address = line_get(event, "address"), *known;

	for (size_t i = 1; i < event->n && picked.n < KEYS; i++)
		if (event->words[i].key && key_find(COMMAND_DNS_CHECK, "", event->words[i].key))
			words[picked.n++] = event->words[i];
	if (!address || rows_add(rows, &picked, &drawing->err))
		return;
	for (size_t i = 0; i + 1 < rows->n; i++) {
		known = row_get(&rows->at[i], "address");
		if (!known || !str_is(known, address))
			continue;
		rows->at[i] = rows->at[--rows->n];
		return;
	}
}

static void print_line(const struct line *event)
{
	struct buf out AUTO_BUF = BUF_INIT;
	const char *text = line_get(event, "text");

	term_add(&out, text ? text : "");
	printf("%s\n", buf_text(&out));
	fflush(stdout);
}

static void seen(void *data, const struct line *event)
{
	struct drawing *drawing = data;
	const char *name = line_get(event, "name");

	if (!name || !str_is(name, "dns.answer"))
		return;
	take_row(drawing, event);
	if (is_live(drawing))
		draw_over(drawing);
	else if (drawing->options->is_waiting && !drawing->options->is_json &&
		 !drawing->term->is_coloured)
		print_line(event);
}

static int show_end(struct drawing *drawing, const struct err *err)
{
	const struct options *options = drawing->options;

	if (options->is_json && !drawing->rows.n)
		return tell_failure_as(options, err);
	if (options->is_json) {
		struct buf out AUTO_BUF = BUF_INIT;

		show_json(&drawing->rows, &out);
		fputs(buf_text(&out), stdout);
	} else if (drawing->rows.n && (!options->is_waiting || drawing->term->is_coloured)) {
		draw(drawing);
	}
	return err_is_set(err) ? tell_failure(err) : 0;
}

int dns_check_finish(
	const struct options *options, const struct line *ok, const struct term *term)
{
	struct drawing drawing = {
		.options = options, .term = term, .rows = { .command = options->command }
	};
	struct err err = ERR_INIT;
	int64_t job = 0;
	int status;

	if (line_get_int(ok, "job", 1, INT64_MAX, &job, &err) == 0)
		watch_events(options, job, seen, &drawing, &err);
	if (!err_is_set(&err))
		err = drawing.err;
	status = show_end(&drawing, &err);
	rows_done(&drawing.rows);
	return status;
}
