#include "daemon/ctl/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/session.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
	ACCEPTS_A_TURN = 16,
	PAUSE_MS = 1000, /* when there are no descriptors left */
	PATIENCE_MS = 60 * 1000,
	STALL_BYTES = 4096, /* that a peer must take in this time, or all there is */
	READ_SIZE = 16 * 1024,
};

struct client {
	struct session session;
	struct server *server;
	struct list link;
	struct watch watch;
	struct timer stall;
	size_t taken; /* bytes since the stall timer was started */
	unsigned watched;
};

struct server {
	struct ctl *ctl;
	struct watch listener;
	struct timer pause;
	struct list clients;
	size_t n_clients;
};

static void client_free(struct client *client)
{
	loop_watch_stop(&client->watch);
	loop_timer_stop(client->server->ctl->loop, &client->stall);
	session_done(&client->session);
	close(client->watch.fd);
	list_remove(&client->link);
	client->server->n_clients--;
	free(client);
}

/* -1: the peer is gone. */
static int client_send(struct client *client)
{
	struct buf *out = &client->session.out;
	ssize_t n;

	if (out->len == 0)
		return 0;
	n = send(client->watch.fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	client->taken += (size_t)n;
	buf_drop(out, (size_t)n);
	return 0;
}

/* An empty queue alone says nothing: what was in it may have filled the socket. */
static void watch_stall(struct client *client, bool is_owing)
{
	const struct ctl *ctl = client->server->ctl;

	if (!is_owing) {
		loop_timer_stop(ctl->loop, &client->stall);
	} else if (!heap_has(&client->stall.node)) {
		client->taken = 0;
		loop_timer_in(ctl->loop, &client->stall,
			ctl->patience_ms ? ctl->patience_ms : PATIENCE_MS);
	}
}

/* Produces and sends; frees the client when that is over. */
static void client_run(struct client *client)
{
	struct session *session = &client->session;
	bool has_more = session_pull(session), is_owing;
	unsigned what;

	if (client_send(client) || (!has_more && session_is_over(session))) {
		client_free(client);
		return;
	}
	is_owing = has_more || session->out.len > 0;
	what = (session_wants_input(session) ? LOOP_READ : 0) | (is_owing ? LOOP_WRITE : 0);
	if (what != client->watched) {
		client->watched = what;
		if (what)
			loop_watch(client->server->ctl->loop, &client->watch, what);
		else
			loop_watch_stop(&client->watch);
	}
	watch_stall(client, is_owing);
}

static void wake(struct session *session)
{
	client_run(CONTAINER_OF(session, struct client, session));
}

/* The end of the peer's input: gone altogether, or only done with asking? */
static bool is_gone(int fd)
{
	struct pollfd pollfd = { .fd = fd };

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & (POLLHUP | POLLERR)) != 0;
}

static void client_ready(struct watch *watch, unsigned what)
{
	struct client *client = CONTAINER_OF(watch, struct client, watch);
	char data[READ_SIZE];

	if ((what & LOOP_READ) && session_wants_input(&client->session)) {
		ssize_t n = recv(watch->fd, data, sizeof(data), MSG_DONTWAIT);

		if (n > 0)
			session_feed(&client->session, data, (size_t)n);
		else if (n == 0 && !is_gone(watch->fd))
			session_end_input(&client->session);
		else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			client_free(client);
			return;
		}
	}
	client_run(client);
}

static void stalled(struct timer *timer)
{
	struct client *client = CONTAINER_OF(timer, struct client, stall);

	if (client->taken >= STALL_BYTES) {
		watch_stall(client, true);
		return;
	}
	log_event(NULL, EVENT_CLIENT_DROPPED, NULL,
		"a client of user %u (process %d) did not read its answers and was cut off",
		(unsigned)client->session.peer.uid, (int)client->session.peer.pid);
	client_free(client);
}

static bool has_place(const struct server *server, const struct peer *peer)
{
	size_t of_user = 0;

	if (peer->uid == 0)
		return server->n_clients < SERVER_CLIENTS_MAX;
	list_each(at, &server->clients)
		of_user += LIST_OF(at, struct client, link)->session.peer.uid == peer->uid;
	return of_user < SERVER_CLIENTS_PER_USER &&
	       server->n_clients < SERVER_CLIENTS_MAX - SERVER_CLIENTS_FOR_ROOT;
}

/* Told once and as far as it goes: one who is turned away must not cost anything. */
static void turn_away(int fd, const struct err *err)
{
	struct buf out AUTO_BUF = BUF_INIT;
	ssize_t n;

	message_err(&out, err);
	n = send(fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n;
}

static void client_new(struct server *server, int accepted)
{
	int fd AUTO_CLOSE = accepted;
	struct err err = ERR_INIT;
	struct client *client;
	struct peer peer;

	if (peer_read(fd, &peer, &err)) {
		turn_away(fd, &err);
		return;
	}
	if (!has_place(server, &peer)) {
		err_set(&err, ERR_BUSY, "too many connections to the control socket are open");
		turn_away(fd, &err);
		peer_done(&peer);
		return;
	}
	client = mem_new(struct client);
	client->server = server;
	client->watch.fd = fd;
	client->watch.ready = client_ready;
	client->stall.fire = stalled;
	fd = -1;
	list_append(&server->clients, &client->link);
	server->n_clients++;
	session_init(&client->session, server->ctl, &peer, wake);
	client_run(client);
}

static bool is_out_of_resources(int sys)
{
	return sys == EMFILE || sys == ENFILE || sys == ENOBUFS || sys == ENOMEM;
}

static void accept_ready(struct watch *watch, unsigned what)
{
	struct server *server = CONTAINER_OF(watch, struct server, listener);

	(void)what;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			client_new(server, fd);
		} else if (is_out_of_resources(errno)) {
			/* It would be ready for ever; others close theirs meanwhile. */
			loop_watch_stop(watch);
			loop_timer_in(server->ctl->loop, &server->pause, PAUSE_MS);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

static void pause_over(struct timer *timer)
{
	struct server *server = CONTAINER_OF(timer, struct server, pause);

	loop_watch(server->ctl->loop, &server->listener, LOOP_READ);
}

struct server *server_new(struct ctl *ctl, int listener)
{
	struct server *server = mem_new(struct server);
	int flags = fcntl(listener, F_GETFL);

	fcntl(listener, F_SETFL, flags | O_NONBLOCK);
	server->ctl = ctl;
	list_init(&server->clients);
	server->pause.fire = pause_over;
	server->listener.fd = listener;
	server->listener.ready = accept_ready;
	loop_watch(ctl->loop, &server->listener, LOOP_READ);
	return server;
}

void server_close(struct server *server)
{
	if (server->listener.fd < 0)
		return;
	loop_watch_stop(&server->listener);
	loop_timer_stop(server->ctl->loop, &server->pause);
	close(server->listener.fd);
	server->listener.fd = -1;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server_close(server);
	list_each_safe(at, &server->clients) {
		struct client *client = LIST_OF(at, struct client, link);

		session_pull(&client->session);
		client_send(client);
		client_free(client);
	}
	free(server);
}

size_t server_clients(const struct server *server)
{
	return server->n_clients;
}
