/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/role.h"
#include "daemon/ctl/session.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
	ACCEPTS_A_TURN = 16,
	PAUSE_MS = 1000, /* when there are no descriptors left */
	PATIENCE_MS = 60 * 1000,
	IDLE_MS = 10 * 1000,
	STALL_BYTES = 4096, /* that a peer must take in this time, or all there is */
	READ_SIZE = 16 * 1024,
};

/* The groups of peers that share a budget of connections. */
enum share { SHARE_WITHOUT_ROLE, SHARE_WITH_ROLE, SHARE_ROOT };

/*
 * States: a client is in server->clients from its connection until client_free(), the one place
 * where it ends: by its peer, by its session's end, by the stall timer when it does not read,
 * by the idle timer when it has no role, or for the room of another.  The server accepts while
 * it has room; an error of accept() stops the listener until the pause is over.
 */
struct client {
	struct session session;
	struct server *server;
	struct list link; /* in server->clients: the longest silent first */
	enum share share;
	struct timer idle; /* of a peer without a role */
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
	loop_timer_stop(client->server->ctl->loop, &client->idle);
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

static void watch_idle(struct client *client)
{
	const struct ctl *ctl = client->server->ctl;

	if (client->share == SHARE_WITHOUT_ROLE)
		loop_timer_in(ctl->loop, &client->idle, ctl->idle_ms ? ctl->idle_ms : IDLE_MS);
}

static void is_heard(struct client *client)
{
	list_remove(&client->link);
	list_append(&client->server->clients, &client->link);
	watch_idle(client);
}

static void client_ready(struct watch *watch, unsigned what)
{
	struct client *client = CONTAINER_OF(watch, struct client, watch);
	char data[READ_SIZE];

	if ((what & LOOP_READ) && session_wants_input(&client->session)) {
		ssize_t n = recv(watch->fd, data, sizeof(data), MSG_DONTWAIT);

		if (n > 0) {
			is_heard(client);
			session_feed(&client->session, data, (size_t)n);
		} else if (n == 0 && !is_gone(watch->fd)) {
			session_end_input(&client->session);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			client_free(client);
			return;
		}
	}
	client_run(client);
}

static void cut_off(struct client *client, const char *why)
{
	log_event(NULL, EVENT_CLIENT_DROPPED, NULL,
		"a client of user %u (process %d) %s and was cut off",
		(unsigned)client->session.peer.uid, (int)client->session.peer.pid, why);
	client_free(client);
}

static void stalled(struct timer *timer)
{
	struct client *client = CONTAINER_OF(timer, struct client, stall);

	if (client->taken >= STALL_BYTES) {
		watch_stall(client, true);
		return;
	}
	cut_off(client, "did not read its answers");
}

static void idled(struct timer *timer)
{
	cut_off(CONTAINER_OF(timer, struct client, idle),
		"has no role, asked nothing for a while");
}

static enum share share_of(const struct server *server, const struct peer *peer)
{
	if (peer->uid == 0)
		return SHARE_ROOT;
	return peer_role(peer, server->ctl) == ROLE_NONE ? SHARE_WITHOUT_ROLE : SHARE_WITH_ROLE;
}

static size_t count_user(const struct server *server, uid_t uid)
{
	size_t n = 0;

	list_each(at, &server->clients)
		n += LIST_OF(at, struct client, link)->session.peer.uid == uid;
	return n;
}

static size_t count_share(const struct server *server, enum share share)
{
	size_t n = 0;

	list_each(at, &server->clients)
		n += LIST_OF(at, struct client, link)->share == share;
	return n;
}

/*
 * Of the user with the most connections of a share, more than `least`, the one that was silent
 * longest; or NULL.
 */
static struct client *find_victim(const struct server *server, enum share share, size_t least)
{
	struct client *victim = NULL;

	list_each(at, &server->clients) {
		struct client *client = LIST_OF(at, struct client, link);
		size_t n = client->share == share ? count_user(server, client->session.peer.uid)
						  : 0;

		if (n <= least)
			continue;
		victim = client;
		least = n;
	}
	return victim;
}

/* Root's share is what the others cannot fill. */
static bool make_room(struct server *server, const struct peer *peer, enum share share)
{
	size_t of_user = count_user(server, peer->uid);
	struct client *victim;

	if (share == SHARE_ROOT)
		return server->n_clients < SERVER_CLIENTS_MAX;
	if (of_user >= SERVER_CLIENTS_PER_USER)
		return false;
	if (count_share(server, share) < (share == SHARE_WITH_ROLE
							 ? SERVER_CLIENTS_WITH_ROLE
							 : SERVER_CLIENTS_WITHOUT_ROLE))
		return true;
	victim = find_victim(server, share, of_user + 1);
	if (victim)
		cut_off(victim, "has many connections where others had none left");
	return victim != NULL;
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
	enum share share;
	struct peer peer;

	if (peer_read(fd, &peer, &err)) {
		turn_away(fd, &err);
		return;
	}
	share = share_of(server, &peer);
	if (!make_room(server, &peer, share)) {
		err_set(&err, ERR_BUSY, "too many connections to the control socket are open");
		turn_away(fd, &err);
		peer_done(&peer);
		return;
	}
	client = mem_new(struct client);
	client->server = server;
	client->share = share;
	client->watch.fd = fd;
	client->watch.ready = client_ready;
	client->stall.fire = stalled;
	client->idle.fire = idled;
	fd = -1;
	list_append(&server->clients, &client->link);
	server->n_clients++;
	watch_idle(client);
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
