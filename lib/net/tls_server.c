/* SPDX-License-Identifier: MIT */
#include "lib/net/tls_server.h"

#include <stdint.h>

#include "lib/crypt/tls_alpn.h"
#include "lib/net/listener.h"

struct tls_conn {
	struct connection connection;
	struct tls_handshake *handshake;
};

static void tls_conn_done(struct connection *connection)
{
	tls_handshake_free(((struct tls_conn *)connection)->handshake);
}

static void tls_conn_ready(struct connection *connection, unsigned what)
{
	struct tls_conn *conn = (struct tls_conn *)connection;
	struct loop *loop = listener_loop(connection->listener);

	(void)what;
	switch (tls_handshake_go_on(conn->handshake)) {
	case TLS_ALPN_WANTS_READ:
		loop_watch(loop, &connection->watch, LOOP_READ);
		break;
	case TLS_ALPN_WANTS_WRITE:
		loop_watch(loop, &connection->watch, LOOP_WRITE);
		break;
	default:
		connection_close(connection);
	}
}

static void tls_conn_begin(struct connection *connection)
{
	struct tls_conn *conn = (struct tls_conn *)connection;

	conn->handshake =
		tls_handshake_new(listener_data(connection->listener), connection->watch.fd);
}

static const struct listener_kind tls_conns = { sizeof(struct tls_conn), tls_conn_begin,
	tls_conn_ready, tls_conn_done };

struct listener *tls_server_new(struct loop *loop, int fd, struct tls_alpn *alpn)
{
	return listener_new(loop, fd, &tls_conns, alpn);
}
