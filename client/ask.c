/* SPDX-License-Identifier: MIT */
#include "client/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/connect.h"
#include "client/dns_check.h"
#include "client/failure.h"
#include "client/mark.h"
#include "client/options.h"
#include "client/view.h"
#include "client/watch.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

/* A daemon that computes may be silent for a while; after this time it counts as hung. */
enum { SILENCE_MS = 300 * 1000 };

/*
 * Reads rows up to the end of the answer, which stays in conn->line: 0 for ok, 1 for err with
 * *err filled from it, -1 when the connection failed.
 */
static int read_answer(struct conn *conn, struct rows *rows, struct err *err)
{
	for (;;) {
		int got = conn_next(conn, SILENCE_MS, err);

		if (got == 0)
			return err_set(err, ERR_TIMEOUT,
				"the daemon said nothing for %d minutes", SILENCE_MS / 60000);
		if (got < 0)
			return -1;
		switch (message_kind(&conn->line)) {
		case MESSAGE_ROW:
			if (rows_add(rows, &conn->line, err))
				return -1;
			break;
		case MESSAGE_OK:
			return 0;
		case MESSAGE_ERR:
			message_read_err(&conn->line, err);
			return 1;
		case MESSAGE_HELLO:
		case MESSAGE_EVENT:
		case MESSAGE_OTHER:
			break; /* a message of a newer daemon */
		}
	}
}

/*
 * Adds the document of a job: its number, the certificates not taken, and its result if it was
 * followed.
 */
static void add_job_json(struct buf *out, const struct rows *rows, int64_t job,
	bool is_followed, const struct err *err)
{
	struct buf skipped AUTO_BUF = BUF_INIT;

	show_json(rows, &skipped);
	if (job)
		buf_printf(out, "{\"job\": %" PRId64, job);
	else
		buf_add_text(out, "{\"job\": null");
	buf_add_text(out, ", \"skipped\": ");
	buf_add(out, skipped.data, skipped.len - 1);
	if (is_followed) {
		buf_printf(out,
			", \"result\": \"%s\", \"error\": ", err_is_set(err) ? "failed" : "ok");
		show_json_text(err_is_set(err) ? err_code_text(err->code) : NULL, out);
		buf_add_text(out, ", \"error_text\": ");
		show_json_text(err_is_set(err) ? err->text : NULL, out);
	}
	buf_add_text(out, "}\n");
}

/*
 * Handles the ok of a job, or of no job; rows list the certificates not taken, with the reason.
 */
static int finish_job(const struct options *options, const struct rows *rows,
	const struct line *ok, const struct term *term)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	int64_t job = 0;
	bool is_followed;

	if (line_get_int(ok, "job", 1, INT64_MAX, &job, &err))
		return tell_failure_as(options, &err);
	is_followed = options->is_waiting && job;
	if (!options->is_json) {
		view_rows(rows, term, &out);
		if (job && !is_followed)
			buf_printf(&out, "job %" PRId64 "\n", job);
		else if (!job && !rows->n)
			buf_printf(&out, "nothing to %s\n", options->command->name);
		fputs(buf_text(&out), stdout);
		fflush(stdout);
	}
	if (is_followed)
		watch_job(options, job, term, &err);
	if (options->is_json) {
		add_job_json(&out, rows, job, is_followed, &err);
		fputs(buf_text(&out), stdout);
	}
	return err_is_set(&err) ? tell_failure(&err) : 0;
}

/* The exit status of `status`: are all certificates shown healthy? */
static int health_status(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const char *health = row_get(&rows->at[i], "health");

		if (health && (str_is(health, "expired") || str_is(health, "failing")))
			return err_code_exit(ERR_UNHEALTHY);
	}
	return 0;
}

static void show_answer(const struct options *options, const struct rows *rows,
	const struct line *ok, const struct term *term)
{
	struct buf out AUTO_BUF = BUF_INIT;
	const char *text;

	if (options->is_json && (options->command->shape != SHAPE_NONE || rows->n))
		show_json(rows, &out);
	else if (options->is_json)
		show_json_line(ok, &out);
	else
		view_rows(rows, term, &out);
	text = options->is_json ? NULL : line_get(ok, "text");
	if (text) {
		term_add(&out, text);
		buf_add_char(&out, '\n');
	}
	fwrite(buf_text(&out), 1, out.len, stdout);
}

static int finish(const struct options *options, const struct rows *rows, const struct line *ok,
	const struct term *term)
{
	if (options->command->id == COMMAND_DNS_CHECK)
		return dns_check_finish(options, ok, term);
	if (options->command->shape == SHAPE_JOB || line_get(ok, "job"))
		return finish_job(options, rows, ok, term);
	show_answer(options, rows, ok, term);
	return options->command->id == COMMAND_STATUS ? health_status(rows) : 0;
}

int ask(struct options *options, const struct term *term)
{
	struct conn conn CLEANUP(conn_done) = { .fd = -1 };
	struct rows rows CLEANUP(rows_done) = { .command = options->command };
	struct buf request AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	int got;

	if (options_request(options, &request, &err))
		return tell_failure_as(options, &err);
	if (mark_leave(options, &request, &err))
		return tell_failure_as(options, &err);
	if (conn_open(&conn, options->socket, &err) || conn_send(&conn, &request, &err))
		return tell_failure_as(options, &err);
	if (options->command->shape == SHAPE_STREAM)
		return watch_stream(options, &conn, term);
	got = read_answer(&conn, &rows, &err);
	if (got == 0)
		return finish(options, &rows, &conn.line, term);
	if (got < 0 || !rows.n)
		return tell_failure_as(options, &err);
	/* The rows hold what is known, and err the reason of the failure. */
	show_answer(options, &rows, &conn.line, term);
	return tell_failure(&err);
}

static void add_version(
	struct rows *rows, const char *program, const char *version, const char *role)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct line line CLEANUP(line_done) = { 0 };
	struct err err = ERR_INIT;

	line_add_word(&text, "row");
	line_add(&text, "program", program);
	line_add(&text, "version", version);
	line_add_int(&text, "proto", PROTO_VERSION);
	if (role)
		line_add(&text, "role", role);
	if (line_parse(&line, text.data, text.len, LINE_MAX_LEN, &err) == 0)
		rows_add(rows, &line, &err);
}

int ask_version(const struct options *options, const struct term *term)
{
	struct conn conn CLEANUP(conn_done) = { .fd = -1 };
	struct rows rows CLEANUP(rows_done) = { .command = options->command };
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	add_version(&rows, "certctl", CERTD_VERSION, NULL);
	if (conn_open(&conn, options->socket, &err) == 0)
		add_version(&rows, "certd", conn.daemon_version, role_text(conn.role));
	if (options->is_json)
		show_json(&rows, &out);
	else
		view_rows(&rows, term, &out);
	fputs(buf_text(&out), stdout);
	if (!err_is_set(&err))
		return 0;
	/* `version` succeeds without a daemon. */
	fprintf(stderr, "certctl: %s\n", err.text);
	return 0;
}
