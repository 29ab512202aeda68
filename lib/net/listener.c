/* SPDX-License-Identifier: MIT */
#include "lib/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/attr.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

/*
 * The connections accepted before other events of the loop, and the pause without descriptors.
 */
enum { ACCEPT_AT_ONCE = 64, REST_MS = 500 };

struct listener {
	struct loop *loop;
	struct watch watch;
	struct timer rest;
	struct list connections; /* oldest first */
	struct list peers;
	size_t n;
	const struct listener_kind *kind;
	void *data;
};

void listener_key(const struct sockaddr_storage *addr, uint8_t key[16])
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;

	memset(key, 0, 16);
	if (addr->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(key, v6->sin6_addr.s6_addr, 16);
	} else if (addr->ss_family == AF_INET6) {
		memcpy(key, v6->sin6_addr.s6_addr, 8);
	} else if (addr->ss_family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &v4->sin_addr, 4);
	}
}

static struct peer *join_peer(struct listener *listener, const struct sockaddr_storage *addr)
{
	uint8_t key[16];
	struct peer *peer;

	listener_key(addr, key);
	list_each(at, &listener->peers) {
		peer = LIST_OF(at, struct peer, link);
		if (memcmp(peer->key, key, sizeof(key)) == 0) {
			peer->n++;
			return peer;
		}
	}
	peer = mem_new(struct peer);
	memcpy(peer->key, key, sizeof(key));
	peer->n = 1;
	list_append(&listener->peers, &peer->link);
	return peer;
}

static void leave_peer(struct peer *peer)
{
	if (--peer->n > 0)
		return;
	list_remove(&peer->link);
	free(peer);
}

void connection_close(struct connection *connection)
{
	struct listener *listener = connection->listener;

	listener->kind->done(connection);
	loop_watch_stop(&connection->watch);
	loop_timer_stop(listener->loop, &connection->timer);
	file_closep(&connection->watch.fd);
	list_remove(&connection->link);
	leave_peer(connection->peer);
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

/* Closes the oldest connection of the address that has most. */
static void make_room(struct listener *listener)
{
	struct connection *most = NULL;

	list_each(at, &listener->connections) {
		struct connection *connection = LIST_OF(at, struct connection, link);

		if (!most || connection->peer->n > most->peer->n)
			most = connection;
	}
	connection_close(most);
}

static void take(struct listener *listener, int fd, const struct sockaddr_storage *addr)
{
	struct connection *connection = mem_zalloc(listener->kind->size);

	/*
	 * The new connection is counted first; otherwise a peer with as many as another would
	 * displace the other's.
	 */
	connection->peer = join_peer(listener, addr);
	if (listener->n >= LISTENER_MAX)
		make_room(listener);
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
		struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
		socklen_t len = sizeof(addr);
		int fd = accept4(watch->fd, (struct sockaddr *)&addr, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(listener, fd, &addr);
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
	list_init(&listener->peers);
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
