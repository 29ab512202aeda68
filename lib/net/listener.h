/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_LISTENER_H
#define CERTD_LIB_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/task/loop.h"

/*
 * A listener accepts TCP connections, bounded in number and time, for small servers
 * (http_server.h, tls_server.h).
 *
 * A connection lives for at most LISTENER_TIME_MS, even when busy. At LISTENER_MAX connections
 * a new one replaces the oldest of the address that has most of them (with IPv6 its network of
 * 64 bits), so that a client that opens many loses its own, and a CA's connection stays.
 * Without free descriptors the listener pauses for a moment instead of spinning.
 *
 * libevent's evhttp is not used, because its 2.1 bounds neither the number of connections nor
 * their total time, and because simulations and the sandbox have one loop.
 */

#define LISTENER_MAX 256
#define LISTENER_TIME_MS 10000

struct listener;

/* An address with connections, and their number. */
struct peer {
	struct list link;
	uint8_t key[16]; /* IPv6, without the host; IPv4 mapped into it (RFC 4291, 2.5.5.2) */
	size_t n;
};

/* A server's state for one connection embeds this first and is allocated by `size`, zeroed. */
struct connection {
	struct list link;
	struct listener *listener;
	struct peer *peer;
	struct watch watch;
	struct timer timer;
};

struct sockaddr_storage;

/* Writes the key of struct peer for an address. All addresses that are not IP share one key. */
void listener_key(const struct sockaddr_storage *addr, uint8_t key[16]);

struct listener_kind {
	size_t size; /* of the struct that embeds struct connection */
	/* Both may end it with connection_close(), and must not use it afterwards. */
	void (*begin)(struct connection *connection);
	void (*ready)(struct connection *connection, unsigned what);
	void (*done)(struct connection *connection); /* frees its members, not itself */
};

/* Owns `fd`, which is listening and non-blocking. */
struct listener *listener_new(
	struct loop *loop, int fd, const struct listener_kind *kind, void *data);
void listener_free(struct listener *listener); /* closes all its connections; NULL is fine */
void *listener_data(const struct listener *listener);
struct loop *listener_loop(const struct listener *listener);

void connection_close(struct connection *connection);

#endif
