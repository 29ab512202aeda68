/* SPDX-License-Identifier: MIT */
#include "lib/net/dns_stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"

enum { TIME_MS = 10000, HEADER_LEN = 12, PREFIX_LEN = 2, FOREIGN_MAX = 4 };

/* A delivery that has begun. */
struct stream {
	struct dns_deliver_op *op;
	struct loop *loop;
	struct watch watch;
	struct timer deadline;
	struct buf out; /* bytes still to be sent */
	struct buf in;  /* the length and the bytes that follow it */
	unsigned n_foreign;
	bool is_connected;
};

static void release(struct stream *stream)
{
	loop_timer_stop(stream->loop, &stream->deadline);
	loop_watch_stop(&stream->watch);
	if (stream->watch.fd >= 0)
		close(stream->watch.fd);
	buf_done(&stream->out);
	buf_done(&stream->in);
	stream->op->impl = NULL;
	free(stream);
}

static void finish(struct stream *stream)
{
	struct dns_deliver_op *op = stream->op;

	release(stream);
	dns_waiter_end(&op->waiter);
	op_end(&op->op, NULL);
}

static void fail(struct stream *stream, enum err_code code, int sys, const char *what)
{
	struct dns_deliver_op *op = stream->op;
	char address[DNS_ADDRESS_TEXT_LEN];

	dns_address_text(&op->server, address);
	if (sys != 0)
		err_sys(&op->err, code, sys, "%s %s", address, what);
	else
		err_set(&op->err, code, "%s %s", address, what);
	finish(stream);
}

static void on_deadline(struct timer *timer)
{
	struct stream *stream = CONTAINER_OF(timer, struct stream, deadline);

	if (!stream->is_connected)
		fail(stream, ERR_TIMEOUT, 0, "does not accept connections");
	else
		fail(stream, ERR_TIMEOUT, 0, "does not answer");
}

/* 1: the answer is whole, 0: more is to come, -1: these bytes are no answer. */
static int take_answer(struct stream *stream)
{
	const uint8_t *in = (const uint8_t *)buf_text(&stream->in);
	size_t len;

	while (stream->in.len >= PREFIX_LEN) {
		len = (size_t)in[0] << 8 | in[1];
		if (len < HEADER_LEN)
			return -1;
		if (stream->in.len < PREFIX_LEN + len)
			return 0;
		if (memcmp(in + PREFIX_LEN, stream->op->message.data, 2) == 0) {
			buf_clear(&stream->op->answer);
			buf_add(&stream->op->answer, in + PREFIX_LEN, len);
			return 1;
		}
		if (++stream->n_foreign > FOREIGN_MAX)
			return -1;
		buf_drop(&stream->in, PREFIX_LEN + len);
	}
	return 0;
}

/* The number of bytes the answer still lacks, as far as is known. */
static size_t wanted(const struct stream *stream)
{
	const uint8_t *in = (const uint8_t *)buf_text(&stream->in);

	if (stream->in.len < PREFIX_LEN)
		return PREFIX_LEN - stream->in.len;
	return PREFIX_LEN + ((size_t)in[0] << 8 | in[1]) - stream->in.len;
}

static void receive(struct stream *stream)
{
	for (;;) {
		size_t len = wanted(stream);
		ssize_t n = recv(stream->watch.fd, buf_reserve(&stream->in, len), len, 0);
		int whole;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			fail(stream, ERR_DNS, n < 0 ? errno : 0, "closes without an answer");
			return;
		}
		stream->in.len += (size_t)n;
		whole = take_answer(stream);
		if (whole < 0)
			fail(stream, ERR_DNS, 0, "does not answer with a DNS message");
		else if (whole > 0)
			finish(stream);
		if (whole != 0)
			return;
	}
}

static void transmit(struct stream *stream)
{
	while (stream->out.len > 0) {
		ssize_t n =
			send(stream->watch.fd, stream->out.data, stream->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			fail(stream, ERR_DNS, errno, "does not take the message");
			return;
		}
		buf_drop(&stream->out, (size_t)n);
	}
	loop_watch(stream->loop, &stream->watch, LOOP_READ);
}

static void on_ready(struct watch *watch, unsigned what)
{
	struct stream *stream = CONTAINER_OF(watch, struct stream, watch);
	int error = 0;
	socklen_t len = sizeof(error);

	if (!stream->is_connected) {
		getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			fail(stream, ERR_CONNECT, error, "cannot be reached");
			return;
		}
		stream->is_connected = true;
	}
	if (stream->out.len > 0)
		transmit(stream);
	else if (what & LOOP_READ)
		receive(stream);
}

static void begin(struct dns_waiter *waiter)
{
	struct dns_deliver_op *op = CONTAINER_OF(waiter, struct dns_deliver_op, waiter);
	struct stream *stream = mem_new(struct stream);
	size_t len = op->message.len;
	int one = 1;

	op->impl = stream;
	stream->op = op;
	stream->loop = waiter->scheduler->loop;
	buf_add_char(&stream->out, (char)(len >> 8));
	buf_add_char(&stream->out, (char)len);
	buf_add(&stream->out, op->message.data, len);
	stream->deadline.fire = on_deadline;
	loop_timer_in(stream->loop, &stream->deadline, op->time_ms > 0 ? op->time_ms : TIME_MS);
	stream->watch.ready = on_ready;
	stream->watch.fd =
		socket(op->server.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stream->watch.fd < 0) {
		fail(stream, ERR_CONNECT, errno, "cannot be reached");
		return;
	}
	setsockopt(stream->watch.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(stream->watch.fd, &op->server.any, op->server.len) < 0 &&
		errno != EINPROGRESS) {
		fail(stream, ERR_CONNECT, errno, "cannot be reached");
		return;
	}
	loop_watch(stream->loop, &stream->watch, LOOP_WRITE);
}

static void cancel(struct op *base)
{
	struct dns_deliver_op *op = CONTAINER_OF(base, struct dns_deliver_op, op);

	if (op->impl)
		release(op->impl);
	dns_waiter_end(&op->waiter);
	op_end(&op->op, NULL);
}

void dns_stream_deliver(
	struct dns_scheduler *scheduler, struct task *task, struct dns_deliver_op *op)
{
	assert(op->message.len >= HEADER_LEN && op->message.len <= DNS_MESSAGE_MAX);
	op->err = (struct err)ERR_INIT;
	buf_clear(&op->answer);
	op_begin(&op->op, task, cancel);
	dns_deliver_enqueue(scheduler, op, begin);
}
