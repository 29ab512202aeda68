/* SPDX-License-Identifier: MIT */
#include "lib/net/http_server.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/buf.h"
#include "lib/net/listener.h"
#include "lib/net/http_request.h"

/* What a connection may send after its head before we stop to listen politely. */
enum { DRAIN_MAX = 256 * 1024 };

struct visitor {
	struct connection connection;
	struct buf in, out;
	size_t sent, drained;
	bool is_answered, is_over;
};

static void visitor_done(struct connection *connection)
{
	struct visitor *visitor = (struct visitor *)connection;

	buf_done(&visitor->in);
	buf_done(&visitor->out);
}

static void answer(struct visitor *visitor, enum visit visit, const char *path)
{
	const struct http_service *service = listener_data(visitor->connection.listener);
	const char *body = visit == VISIT_BAD ? NULL : service->find(path, service->data);

	visitor->is_answered = true;
	if (!body) {
		buf_add_text(&visitor->out, "HTTP/1.1 404 Not Found\r\nContent-Length: "
					    "0\r\nConnection: close\r\n\r\n");
		return;
	}
	buf_printf(&visitor->out,
		"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		strlen(body), visit == VISIT_HEAD ? "" : body);
}

/*
 * After the answer our side is closed, and what the other still sends is read away: closing over unread
 * bytes would reset the connection and could take the answer with it.
 */
static void send_some(struct visitor *visitor)
{
	struct connection *connection = &visitor->connection;

	while (visitor->sent < visitor->out.len) {
		ssize_t n = send(connection->watch.fd, visitor->out.data + visitor->sent,
			visitor->out.len - visitor->sent, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			loop_watch(listener_loop(connection->listener), &connection->watch,
				LOOP_READ | LOOP_WRITE);
			return;
		}
		if (n < 0) {
			connection_close(connection);
			return;
		}
		visitor->sent += (size_t)n;
	}
	visitor->is_over = true;
	shutdown(connection->watch.fd, SHUT_WR);
	loop_watch(listener_loop(connection->listener), &connection->watch, LOOP_READ);
}

static void take(struct visitor *visitor, const char *data, size_t len)
{
	enum visit visit;
	const char *path;

	if (visitor->is_answered) {
		visitor->drained += len;
		return;
	}
	buf_add(&visitor->in, data, len);
	visit = visit_read(visitor->in.data, visitor->in.len, &path);
	if (visit != VISIT_MORE)
		answer(visitor, visit, path);
}

static void visitor_ready(struct connection *connection, unsigned what)
{
	struct visitor *visitor = (struct visitor *)connection;
	bool was_answered = visitor->is_answered;
	char data[4096];
	ssize_t n;

	if (what & LOOP_READ) {
		n = recv(connection->watch.fd, data, sizeof(data), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
			visitor->drained > DRAIN_MAX) {
			connection_close(connection);
			return;
		}
		if (n > 0)
			take(visitor, data, (size_t)n);
	}
	if (visitor->is_answered && !visitor->is_over && (!was_answered || (what & LOOP_WRITE)))
		send_some(visitor);
}

static void visitor_begin(struct connection *connection)
{
	(void)connection;
}

static const struct listener_kind visitors = { sizeof(struct visitor), visitor_begin,
	visitor_ready, visitor_done };

struct listener *http_server_new(struct loop *loop, int fd, const struct http_service *service)
{
	return listener_new(loop, fd, &visitors, (void *)(uintptr_t)service);
}
