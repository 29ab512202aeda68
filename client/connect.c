/* SPDX-License-Identifier: MIT */
#include "client/connect.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

/* The daemon greets at once; a socket that systemd listens on may start it first. */
enum { GREETING_MS = 10 * 1000, SEND_S = 30 };

static int no_daemon(const struct conn *conn, int sys, struct err *err)
{
	const char *hint = "; is certd running? (systemctl status certd, or -s SOCKET)";
	size_t len;

	if (sys == EACCES || sys == EPERM)
		hint = "";
	err_sys(err, ERR_NO_DAEMON, sys, "no daemon answers at %s", conn->path);
	len = strlen(err->text);
	if (len + strlen(hint) < sizeof(err->text))
		snprintf(err->text + len, sizeof(err->text) - len, "%s", hint);
	return -1;
}

static int dial(struct conn *conn, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = SEND_S };

	if (strlen(conn->path) >= sizeof(address.sun_path))
		return err_set(err, ERR_NO_DAEMON, "%s is too long for the path of a socket",
			conn->path);
	memcpy(address.sun_path, conn->path, strlen(conn->path) + 1);
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return err_sys(err, ERR_IO, errno, "no socket can be made");
	/* This also bounds connect() while the backlog is full. */
	if (setsockopt(conn->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return err_sys(err, ERR_IO, errno, "the socket takes no time limit");
	if (connect(conn->fd, (const struct sockaddr *)&address, sizeof(address)))
		return no_daemon(conn, errno == EAGAIN ? ETIMEDOUT : errno, err);
	return 0;
}

/* An error instead of a greeting carries the daemon's own reason. */
static int check_greeting(struct conn *conn, struct err *err)
{
	struct hello hello = { 0 };
	struct err told = ERR_INIT;

	if (message_kind(&conn->line) == MESSAGE_ERR) {
		message_read_err(&conn->line, &told);
		return err_set(err, ERR_NO_DAEMON, "the daemon at %s refuses: %s", conn->path,
			told.text);
	}
	if (message_read_hello(&conn->line, &hello, &told))
		return err_set(err, ERR_NO_DAEMON, "the server at %s is not certd: %s",
			conn->path, told.text);
	if (hello.proto != PROTO_VERSION)
		return err_set(err, ERR_NO_DAEMON,
			"the daemon at %s speaks protocol %lld and this certctl %d; use the "
			"certctl "
			"that came with certd %.40s",
			conn->path, (long long)hello.proto, PROTO_VERSION, hello.version);
	snprintf(conn->daemon_version, sizeof(conn->daemon_version), "%s", hello.version);
	conn->role = hello.role;
	return 0;
}

int conn_open(struct conn *conn, const char *path, struct err *err)
{
	int got;

	*conn = (struct conn){ .fd = -1, .path = path };
	framing_init(&conn->framing, LINE_MAX_LEN);
	if (dial(conn, err))
		return -1;
	got = conn_next(conn, GREETING_MS, err);
	if (got == 0)
		return err_set(err, ERR_NO_DAEMON,
			"the daemon at %s did not greet within %d seconds; it hangs, or "
			"something "
			"else listens there",
			path, GREETING_MS / 1000);
	if (got < 0) {
		err->code = ERR_NO_DAEMON;
		return err_add(err, "no greeting came from %s", path);
	}
	return check_greeting(conn, err);
}

void conn_done(struct conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	framing_done(&conn->framing);
	line_done(&conn->line);
}

int conn_send(struct conn *conn, const struct buf *request, struct err *err)
{
	size_t at = 0;

	while (at < request->len) {
		ssize_t n = send(conn->fd, request->data + at, request->len - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			return err_set(err, ERR_TIMEOUT, "the daemon takes no request");
		else if (errno != EINTR)
			return err_sys(err, ERR_NO_DAEMON, errno, "the daemon is gone");
	}
	return 0;
}

/* Takes a complete line from the buffer: 1, 0 when there is none, -1. */
static int take_line(struct conn *conn, struct err *err)
{
	struct err wrong = ERR_INIT;
	char *text;
	size_t len;

	switch (framing_take(&conn->framing, &text, &len)) {
	case FRAMING_MORE:
		return 0;
	case FRAMING_TOO_LONG:
		return err_set(err, ERR_INTERNAL,
			"the daemon sent a line of more than %zu bytes", LINE_MAX_LEN);
	case FRAMING_LINE:
		break;
	}
	if (line_parse(&conn->line, text, len, LINE_MAX_LEN, &wrong) == 0)
		return 1;
	return err_set(err, ERR_INTERNAL, "the daemon sent a malformed line: %s", wrong.text);
}

/* Waits for bytes until the deadline: 1, 0 when it has passed, -1. */
static int wait_readable(struct conn *conn, int timeout_ms, struct tick from, struct err *err)
{
	struct pollfd pollfd = { .fd = conn->fd, .events = POLLIN };

	for (;;) {
		int64_t left = -1;
		int n;

		if (timeout_ms >= 0) {
			left = timeout_ms - (clock_tick().ms - from.ms);
			left = left < 0 ? 0 : left;
		}
		n = poll(&pollfd, 1, (int)left);
		if (n >= 0)
			return n > 0;
		if (errno != EINTR)
			return err_sys(err, ERR_IO, errno, "waiting for the daemon failed");
	}
}

int conn_next(struct conn *conn, int timeout_ms, struct err *err)
{
	struct tick from = clock_tick();

	for (;;) {
		char data[16 * 1024];
		int got = take_line(conn, err);
		ssize_t n;

		if (got)
			return got;
		got = wait_readable(conn, timeout_ms, from, err);
		if (got <= 0)
			return got;
		n = recv(conn->fd, data, sizeof(data), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(
				err, ERR_NO_DAEMON, errno, "reading from the daemon failed");
		if (n == 0)
			return err_set(err, ERR_NO_DAEMON,
				"the daemon closed the connection before it had finished");
		framing_add(&conn->framing, data, (size_t)n);
	}
}
