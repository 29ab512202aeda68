/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_SERVER_H
#define CERTD_DAEMON_CTL_SERVER_H

#include <stddef.h>

struct ctl;

/*
 * The control socket: accepts connections and carries bytes between them and their sessions.
 *
 * Everything a peer could use up is bounded: connections in all and per user, bytes read ahead,
 * bytes queued, and the time a peer may leave its answers unread (client.dropped).  A few
 * connections are kept for root, so that no crowd locks out the administrator.  All peers
 * without a role share a few and are cut off when they ask nothing for a while.  Where a share
 * is full, another user of it finds room all the same: the user with the most connections loses
 * the one that was silent longest.  An idle connection of a user with a role costs its memory
 * and no wake-ups.
 */

#define SERVER_CLIENTS_MAX 128
#define SERVER_CLIENTS_FOR_ROOT 8
#define SERVER_CLIENTS_PER_USER 32
#define SERVER_CLIENTS_WITHOUT_ROLE 8
#define SERVER_CLIENTS_WITH_ROLE                                                               \
	(SERVER_CLIENTS_MAX - SERVER_CLIENTS_FOR_ROOT - SERVER_CLIENTS_WITHOUT_ROLE)

struct server;

/* Takes a listening SOCK_STREAM Unix socket and closes it in the end. */
struct server *server_new(struct ctl *ctl, int listener);

/* Stops accepting; the sessions that are there go on. */
void server_close(struct server *server);

/* Cuts off all sessions; what they queued is sent as far as it goes without waiting. */
void server_free(struct server *server);
size_t server_clients(const struct server *server);

#endif
