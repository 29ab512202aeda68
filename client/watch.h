#ifndef CERTD_CLIENT_WATCH_H
#define CERTD_CLIENT_WATCH_H

#include <stddef.h>
#include <stdint.h>

struct conn;
struct options;
struct term;

/*
 * Following events, and following jobs to their end.
 *
 * `watch` prints one line per event until the connection ends; with --json one object per line,
 * since the stream has no end that a document could wait for.  watch_jobs() is what --wait does: it
 * subscribes to each job, shows its steps as they come (on a terminal in place, with the time they
 * take) and makes the exit status from the results: that of the first job that failed.
 */

struct watch_jobs {
	int64_t *at;
	size_t n;
};

void watch_jobs_done(struct watch_jobs *jobs);

/* The request was sent already.  Returns the exit status. */
int watch_stream(const struct options *options, struct conn *conn, const struct term *term);

/* Opens a connection for each job.  Returns the exit status. */
int watch_jobs(
	const struct options *options, const struct watch_jobs *jobs, const struct term *term);

#endif
