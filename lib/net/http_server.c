/* SPDX-License-Identifier: MIT */
#include "lib/net/http_server.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/buf.h"
#include "lib/net/listener.h"
#include "lib/net/http_request.h"

/* The bytes that are read and dropped behind the head before the connection is closed. */
enum { DRAIN_MAX = 256 * 1024 };

struct http_conn {
	struct connection connection;
	struct buf in, out;
	size_t sent, drained;
	bool is_answered, is_over;
};

static void http_conn_done(struct connection *connection)
{
	struct http_conn *conn = (struct http_conn *)connection;

	buf_done(&conn->in);
	buf_done(&conn->out);
}

static void answer(struct http_conn *conn, enum http_request request, const char *path)
{
	const struct http_service *service = listener_data(conn->connection.listener);
	const char *body =
		request == HTTP_REQUEST_BAD ? NULL : service->find(path, service->data);

	conn->is_answered = true;
	if (!body) {
		buf_add_text(&conn->out, "HTTP/1.1 404 Not Found\r\nContent-Length: "
					 "0\r\nConnection: close\r\n\r\n");
		return;
	}
	buf_printf(&conn->out,
		"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		strlen(body), request == HTTP_REQUEST_HEAD ? "" : body);
}

/*
 * Sends the answer, shuts down the sending side and then drains the connection: closing it over
 * unread bytes would reset it and could destroy the answer.
 */
static void send_some(struct http_conn *conn)
{
	struct connection *connection = &conn->connection;

	while (conn->sent < conn->out.len) {
		ssize_t n = send(connection->watch.fd, conn->out.data + conn->sent,
			conn->out.len - conn->sent, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			loop_watch(listener_loop(connection->listener), &connection->watch,
				LOOP_READ | LOOP_WRITE);
			return;
		}
		if (n < 0) {
			connection_close(connection);
			return;
		}
		conn->sent += (size_t)n;
	}
	conn->is_over = true;
	shutdown(connection->watch.fd, SHUT_WR);
	loop_watch(listener_loop(connection->listener), &connection->watch, LOOP_READ);
}

static void take(struct http_conn *conn, const char *data, size_t len)
{
	enum http_request request;
	const char *path;

	if (conn->is_answered) {
		conn->drained += len;
		return;
	}
	buf_add(&conn->in, data, len);
	request = http_request_read(conn->in.data, conn->in.len, &path);
	if (request != HTTP_REQUEST_MORE)
		answer(conn, request, path);
}

static void http_conn_ready(struct connection *connection, unsigned what)
{
	struct http_conn *conn = (struct http_conn *)connection;
	bool was_answered = conn->is_answered;
	char data[4096];
	ssize_t n;

	if (what & LOOP_READ) {
		n = recv(connection->watch.fd, data, sizeof(data), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
			conn->drained > DRAIN_MAX) {
			connection_close(connection);
			return;
		}
		if (n > 0)
			take(conn, data, (size_t)n);
	}
	if (conn->is_answered && !conn->is_over && (!was_answered || (what & LOOP_WRITE)))
		send_some(conn);
}

static void http_conn_begin(struct connection *connection)
{
	(void)connection;
}

static const struct listener_kind http_conns = { sizeof(struct http_conn), http_conn_begin,
	http_conn_ready, http_conn_done };

struct listener *http_server_new(struct loop *loop, int fd, const struct http_service *service)
{
	return listener_new(loop, fd, &http_conns, (void *)(uintptr_t)service);
}
