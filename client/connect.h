/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_CONNECT_H
#define CERTD_CLIENT_CONNECT_H

#include "proto/line.h"
#include "proto/message.h"

struct buf;
struct err;

/*
 * A connection to the daemon is a blocking Unix socket with the greeting read, and carries
 * lines in both directions.
 *
 * conn_open() succeeds only when the peer greeted in time and speaks this protocol; other
 * outcomes are ERR_NO_DAEMON with the path and a hint. Lines are bounded; a line that breaks
 * the grammar is ERR_INTERNAL, because it is the daemon's fault. Requests are sent one at a
 * time. The caller calls conn_done(), also after a failed open.
 */
struct conn {
	int fd;
	const char *path; /* borrowed */
	struct framing framing;
	struct line line; /* the newest one */
	char daemon_version[64];
	enum role role;
};

int conn_open(struct conn *conn, const char *path, struct err *err);
void conn_done(struct conn *conn);

/* Sends a whole line, LF included. */
int conn_send(struct conn *conn, const struct buf *request, struct err *err);

/*
 * Reads the next line into conn->line: 1 when there is one, 0 when none came for `timeout_ms`
 * (negative: no limit), -1 with `err`: the connection is over.
 */
int conn_next(struct conn *conn, int timeout_ms, struct err *err);

#endif
