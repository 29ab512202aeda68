#include "lib/net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/base/attr.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

/* How many to accept before others have their turn, and how long to rest without descriptors. */
enum { ACCEPT_AT_ONCE = 64, REST_MS = 500 };

struct listener {
	struct loop *loop;
	struct watch watch;
	struct timer rest;
	struct list connections; /* oldest first */
	size_t n;
	const struct listener_kind *kind;
	void *data;
};

void connection_close(struct connection *connection)
{
	struct listener *listener = connection->listener;

	listener->kind->done(connection);
	loop_watch_stop(&connection->watch);
	loop_timer_stop(listener->loop, &connection->timer);
	file_closep(&connection->watch.fd);
	list_remove(&connection->link);
	listener->n--;
	free(connection);
}

static void is_late(struct timer *timer)
{
	connection_close(CONTAINER_OF(timer, struct connection, timer));
}

static void is_ready(struct watch *watch, unsigned what)
{
	struct connection *connection = CONTAINER_OF(watch, struct connection, watch);

	connection->listener->kind->ready(connection, what);
}

static void take(struct listener *listener, int fd)
{
	struct connection *connection = mem_zalloc(listener->kind->size);

	if (listener->n >= LISTENER_MAX)
		connection_close(
			LIST_OF(list_first(&listener->connections), struct connection, link));
	connection->listener = listener;
	connection->watch.fd = fd;
	connection->watch.ready = is_ready;
	connection->timer.fire = is_late;
	list_append(&listener->connections, &connection->link);
	listener->n++;
	loop_timer_in(listener->loop, &connection->timer, LISTENER_TIME_MS);
	loop_watch(listener->loop, &connection->watch, LOOP_READ);
	listener->kind->begin(connection);
}

static void accept_some(struct watch *watch, unsigned what)
{
	struct listener *listener = CONTAINER_OF(watch, struct listener, watch);

	(void)what;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(listener, fd);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			loop_watch_stop(watch);
			loop_timer_in(listener->loop, &listener->rest, REST_MS);
		}
		return;
	}
}

static void go_on(struct timer *timer)
{
	struct listener *listener = CONTAINER_OF(timer, struct listener, rest);

	loop_watch(listener->loop, &listener->watch, LOOP_READ);
}

struct listener *listener_new(
	struct loop *loop, int fd, const struct listener_kind *kind, void *data)
{
	struct listener *listener = mem_new(struct listener);

	listener->loop = loop;
	listener->kind = kind;
	listener->data = data;
	listener->watch.fd = fd;
	listener->watch.ready = accept_some;
	listener->rest.fire = go_on;
	list_init(&listener->connections);
	loop_watch(loop, &listener->watch, LOOP_READ);
	return listener;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	list_each_safe(at, &listener->connections)
		connection_close(LIST_OF(at, struct connection, link));
	loop_watch_stop(&listener->watch);
	loop_timer_stop(listener->loop, &listener->rest);
	file_closep(&listener->watch.fd);
	free(listener);
}

void *listener_data(const struct listener *listener)
{
	return listener->data;
}

struct loop *listener_loop(const struct listener *listener)
{
	return listener->loop;
}
