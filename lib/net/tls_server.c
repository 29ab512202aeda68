/* SPDX-License-Identifier: MIT */
#include "lib/net/tls_server.h"

#include <stdint.h>

#include "lib/crypt/tls_alpn.h"
#include "lib/net/listener.h"

struct caller {
	struct connection connection;
	struct tls_answer *answer;
};

static void caller_done(struct connection *connection)
{
	tls_answer_free(((struct caller *)connection)->answer);
}

static void caller_ready(struct connection *connection, unsigned what)
{
	struct caller *caller = (struct caller *)connection;
	struct loop *loop = listener_loop(connection->listener);

	(void)what;
	switch (tls_answer_go_on(caller->answer)) {
	case TLS_ANSWER_WANTS_READ:
		loop_watch(loop, &connection->watch, LOOP_READ);
		break;
	case TLS_ANSWER_WANTS_WRITE:
		loop_watch(loop, &connection->watch, LOOP_WRITE);
		break;
	default:
		connection_close(connection);
	}
}

static void caller_begin(struct connection *connection)
{
	struct caller *caller = (struct caller *)connection;

	caller->answer =
		tls_answer_new(listener_data(connection->listener), connection->watch.fd);
}

static const struct listener_kind callers = { sizeof(struct caller), caller_begin, caller_ready,
	caller_done };

struct listener *tls_server_new(struct loop *loop, int fd, struct tls_answers *answers)
{
	return listener_new(loop, fd, &callers, answers);
}
