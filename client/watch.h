/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_WATCH_H
#define CERTD_CLIENT_WATCH_H

#include <stdint.h>

struct conn;
struct err;
struct line;
struct options;
struct term;

/*
 * A watch follows events, or one job to its end.
 *
 * `watch` prints one line per event until the connection ends; with --json one object per line,
 * since the stream has no end that a document could wait for. watch_job() serves --wait: it
 * subscribes to a job on a connection of its own, shows its steps (on a terminal in place, with
 * their duration) and returns when the job ends.
 */

/* The request was sent already. Returns the exit status. */
int watch_stream(const struct options *options, struct conn *conn, const struct term *term);

/*
 * Follows a job for another view: each event of the job goes to `seen`, the last one, job.done,
 * included.
 */
int watch_events(const struct options *options, int64_t job,
	void (*seen)(void *data, const struct line *event), void *data, struct err *err);

/* 0 when the job ended well, -1 with what it, or the connection, failed with. */
int watch_job(
	const struct options *options, int64_t job, const struct term *term, struct err *err);

#endif
