/* SPDX-License-Identifier: MIT */
#include "client/watch.h"

#include <stdio.h>

#include "client/connect.h"
#include "client/failure.h"
#include "client/options.h"
#include "client/view.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum { ANSWER_MS = 30 * 1000, REFRESH_MS = 1000 };

static bool is_event(const struct line *line, const char *name)
{
	const char *got = line_get(line, "name");

	return message_kind(line) == MESSAGE_EVENT && got && str_is(got, name);
}

/* Reads the ok that makes the connection a stream; 0, or -1 with the daemon's reason. */
static int await_ok(struct conn *conn, struct err *err)
{
	for (;;) {
		int got = conn_next(conn, ANSWER_MS, err);

		if (got == 0)
			return err_set(err, ERR_TIMEOUT, "the daemon does not answer");
		if (got < 0)
			return -1;
		if (message_kind(&conn->line) == MESSAGE_OK)
			return 0;
		if (message_kind(&conn->line) != MESSAGE_ERR)
			continue;
		message_read_err(&conn->line, err);
		return -1;
	}
}

/* The result in job.done: 0, or -1 with its code and sentence. */
static int read_result(const struct line *event, struct err *err)
{
	const char *result = line_get(event, "result"), *code = line_get(event, "error");
	const char *text = line_get(event, "error_text");
	enum err_code known = code ? err_code_parse(code) : ERR_INTERNAL;

	if (!code && (!result || str_is(result, "ok")))
		return 0;
	if (!text)
		text = line_get(event, "text");
	if (known == ERR_COUNT || known == ERR_NONE)
		known = ERR_INTERNAL;
	return err_set(err, known, "%s", text ? text : code ? code : result);
}

/* Is it the end of the watched job? */
static bool is_end(const struct options *options, const struct line *event)
{
	const char *job = line_get(event, "job");

	if (!job || !is_event(event, "job.done"))
		return false;
	for (int i = 0; i < options->n_args; i++) {
		const char *arg = options->args[i];

		if (str_is(arg, "--job") && i + 1 < options->n_args)
			return str_is(options->args[i + 1], job);
		if (str_starts(arg, "--job="))
			return str_is(arg + 6, job);
	}
	return false;
}

int watch_stream(const struct options *options, struct conn *conn, const struct term *term)
{
	struct buf out AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	if (await_ok(conn, &err))
		return tell_failure(&err);
	for (;;) {
		if (conn_next(conn, -1, &err) < 0)
			return tell_failure(&err);
		if (message_kind(&conn->line) != MESSAGE_EVENT)
			continue;
		buf_clear(&out);
		if (options->is_json)
			show_json_line(&conn->line, &out);
		else
			show_event(&conn->line, term, &out);
		if (fputs(buf_text(&out), stdout) == EOF || fflush(stdout) == EOF)
			/* the reader has closed its end; main() reports errors of output */
			return 0;
		if (is_end(options, &conn->line))
			return read_result(&conn->line, &err) ? tell_failure(&err) : 0;
	}
}

/*
 * State: a progress lives while a job is followed. enter_step() and tell_end() draw the events;
 * `is_open` is set while a step is the last line, which the next step redraws on a terminal and
 * end_line() completes. follow() returns at the job's end or when the connection fails.
 *
 * The progress of a followed job on the terminal.
 */
struct progress {
	const struct options *options;
	const struct term *term;
	int64_t job;
	char cert[256], step[256];
	struct tick since;
	bool in_place; /* a terminal with escapes: a step is drawn over the last one */
	bool is_open;  /* the last line has no line feed yet */
};

static void add_name(struct buf *out, const char *cert)
{
	term_add(out, cert ? cert : "");
	buf_add_text(out, cert && *cert ? ": " : "");
}

static void draw(struct progress *progress, bool is_final)
{
	struct buf text AUTO_BUF = BUF_INIT;
	char took[DURATION_TEXT_LEN];
	int64_t s = (clock_tick().ms - progress->since.ms) / 1000;

	if (progress->options->is_json || !progress->step[0])
		return;
	if (!progress->in_place && is_final)
		return;
	add_name(&text, progress->cert);
	term_add(&text, progress->step);
	if (progress->in_place && s > 0)
		buf_printf(&text, " (%s)", duration_brief(SECONDS(s), took));
	if (progress->in_place) {
		struct buf line AUTO_BUF = BUF_INIT;

		/* A wrapped line could not be redrawn. */
		term_add_fit(&line, buf_text(&text), progress->term->width - 1);
		printf("\r%s\x1b[K%s", buf_text(&line), is_final ? "\n" : "");
	} else {
		printf("%s\n", buf_text(&text));
	}
	progress->is_open = !is_final;
	fflush(stdout);
}

static void end_line(struct progress *progress)
{
	if (progress->is_open && progress->in_place)
		draw(progress, true);
	progress->is_open = false;
}

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

static void enter_step(struct progress *progress, const struct line *event)
{
	end_line(progress);
	copy_text(progress->cert, sizeof(progress->cert), line_get(event, "cert"));
	copy_text(progress->step, sizeof(progress->step), line_get(event, "step"));
	progress->since = clock_tick();
	draw(progress, false);
}

static void tell_end(struct progress *progress, const char *cert, const struct err *err)
{
	struct buf text AUTO_BUF = BUF_INIT;
	bool failed = err_is_set(err);

	end_line(progress);
	progress->step[0] = 0;
	if (progress->options->is_json)
		return;
	add_name(&text, cert);
	term_colour(progress->term, &text, failed ? COLOUR_RED : COLOUR_GREEN);
	buf_add_text(&text, failed ? "failed" : "done");
	term_colour(progress->term, &text, COLOUR_NONE);
	printf("%s\n", buf_text(&text));
	fflush(stdout);
}

/*
 * Shows events until the job's end. 0, or -1 with the error of the job or of the connection. A
 * job for several certificates has children with numbers of their own, whose events arrive too.
 */
static int follow(struct progress *progress, struct conn *conn, struct err *err)
{
	for (;;) {
		int got = conn_next(conn, progress->in_place ? REFRESH_MS : -1, err);
		int64_t job = progress->job;
		struct err result = ERR_INIT;

		if (got < 0) {
			end_line(progress);
			return -1;
		}
		if (got == 0)
			draw(progress, false);
		if (got == 0 || is_event(&conn->line, "job.step")) {
			if (got)
				enter_step(progress, &conn->line);
			continue;
		}
		if (!is_event(&conn->line, "job.done"))
			continue;
		line_get_int(&conn->line, "job", 0, INT64_MAX, &job, &result);
		read_result(&conn->line, &result);
		tell_end(progress, line_get(&conn->line, "cert"), &result);
		if (job == progress->job) {
			*err = result;
			return err_is_set(err) ? -1 : 0;
		}
		if (err_is_set(&result))
			tell_failure(&result);
	}
}

/* Subscribes to the job; its events follow. */
static int subscribe(
	const struct options *options, int64_t job, struct conn *conn, struct err *err)
{
	struct buf request AUTO_BUF = BUF_INIT;

	line_add_word(&request, "watch");
	line_add_int(&request, "job", job);
	line_end(&request);
	if (conn_open(conn, options->socket, err) || conn_send(conn, &request, err))
		return -1;
	return await_ok(conn, err);
}

int watch_events(const struct options *options, int64_t job,
	void (*seen)(void *data, const struct line *event), void *data, struct err *err)
{
	struct conn conn CLEANUP(conn_done) = { .fd = -1 };

	if (subscribe(options, job, &conn, err))
		return -1;
	for (;;) {
		if (conn_next(&conn, -1, err) < 0)
			return -1;
		if (message_kind(&conn.line) != MESSAGE_EVENT)
			continue;
		seen(data, &conn.line);
		if (is_event(&conn.line, "job.done"))
			return read_result(&conn.line, err);
	}
}

int watch_job(
	const struct options *options, int64_t job, const struct term *term, struct err *err)
{
	struct progress progress = { .options = options,
		.term = term,
		.job = job,
		.in_place = term->is_coloured,
		.since = clock_tick() };
	struct conn conn CLEANUP(conn_done) = { .fd = -1 };

	if (subscribe(options, job, &conn, err))
		return -1;
	return follow(&progress, &conn, err);
}
