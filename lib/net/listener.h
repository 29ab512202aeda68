/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_LISTENER_H
#define CERTD_LIB_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/task/loop.h"

/*
 * A listening TCP socket and its connections, bounded in number and in time, for servers of a few bytes
 * (http_server.h, tls_server.h).
 *
 * A connection lives for LISTENER_TIME_MS at most, however busy it is.  When there are LISTENER_MAX
 * and another comes, one goes: of the address that has most of them (with IPv6 its network of 64 bits) the
 * oldest.  So whoever opens many in haste throws out his own, and a CA that has come stays.  A process that has no
 * descriptor left stops accepting for a moment instead of spinning.
 *
 * libevent's evhttp is not used, because its 2.1 bounds neither the number of connections nor their
 * whole time, and because simulations and the sandbox know one loop.
 */

#define LISTENER_MAX 256
#define LISTENER_TIME_MS 10000

struct listener;

/* One address that has connections, and how many. */
struct peer {
	struct list link;
	uint8_t key[16]; /* IPv6, without the host; IPv4 mapped into it (RFC 4291, 2.5.5.2) */
	size_t n;
};

/* What a server keeps for each connection; it embeds this first and allocates it by `size`, zeroed. */
struct connection {
	struct list link;
	struct listener *listener;
	struct peer *peer;
	struct watch watch;
	struct timer timer;
};

struct sockaddr_storage;

/* Whom an address counts for: struct peer's key.  What is no IP address counts together. */
void listener_key(const struct sockaddr_storage *addr, uint8_t key[16]);

struct listener_kind {
	size_t size; /* of the struct that embeds struct connection */
	/* Both may end it with connection_close(), and must not touch it afterwards. */
	void (*begin)(struct connection *connection);
	void (*ready)(struct connection *connection, unsigned what);
	void (*done)(struct connection *connection); /* frees what it holds but itself */
};

/* Owns `fd`, which is listening and does not block. */
struct listener *listener_new(
	struct loop *loop, int fd, const struct listener_kind *kind, void *data);
void listener_free(struct listener *listener); /* closes all its connections; NULL is fine */
void *listener_data(const struct listener *listener);
struct loop *listener_loop(const struct listener *listener);

void connection_close(struct connection *connection);

#endif
