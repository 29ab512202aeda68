#include "lib/net/http_server.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/net/listener.h"

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

/* The target's path: absolute-form is what proxies send (RFC 9112, 3.2.2). */
static const char *path_of(char *target)
{
	if (strncasecmp(target, "http://", 7) == 0)
		target = strchr(target + 7, '/');
	return target && target[0] == '/' ? target : NULL;
}

/* METHOD SP TARGET SP HTTP/1.x; anything else finds nothing. */
static const char *find(const struct http_service *service, char *head, bool *is_head)
{
	char *line_end = strstr(head, "\r\n");
	char *target, *version;
	const char *path;

	if (!line_end)
		return NULL;
	*line_end = 0;
	target = strchr(head, ' ');
	version = target ? strchr(target + 1, ' ') : NULL;
	if (!version)
		return NULL;
	*target++ = 0;
	*version++ = 0;
	*is_head = str_is(head, "HEAD");
	path = path_of(target);
	if ((!*is_head && !str_is(head, "GET")) || !str_starts(version, "HTTP/1.") || !path)
		return NULL;
	return service->find(path, service->data);
}

static void answer(struct visitor *visitor, bool is_whole)
{
	const struct http_service *service = listener_data(visitor->connection.listener);
	bool is_head = false;
	const char *body = is_whole ? find(service, visitor->in.data, &is_head) : NULL;

	visitor->is_answered = true;
	if (!body) {
		buf_add_text(&visitor->out, "HTTP/1.1 404 Not Found\r\nContent-Length: "
					    "0\r\nConnection: close\r\n\r\n");
		return;
	}
	buf_printf(&visitor->out,
		"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		strlen(body), is_head ? "" : body);
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

static bool has_head(const struct visitor *visitor)
{
	return visitor->in.len > 0 && strstr(visitor->in.data, "\r\n\r\n");
}

static void take(struct visitor *visitor, const char *data, size_t len)
{
	if (visitor->is_answered) {
		visitor->drained += len;
		return;
	}
	buf_add(&visitor->in, data, len);
	/* A NUL ends what is looked at, so a head behind one is never found. */
	if (has_head(visitor))
		answer(visitor, true);
	else if (visitor->in.len >= HTTP_SERVER_HEAD_MAX)
		answer(visitor, false);
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
