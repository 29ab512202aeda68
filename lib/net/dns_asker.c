/* SPDX-License-Identifier: MIT */
#include "lib/net/dns_probe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/net/dns_cares.h"
#include "lib/net/dns_op.h"
#include "lib/net/dns_stream.h"

enum { TIME_MS = 10000, RESOLVERS_MAX = 8, HEADER_LEN = 12, OPT_LEN = 11 };

struct dns {
	struct loop *loop;
	struct dns_scheduler scheduler;
	struct dns_address resolvers[RESOLVERS_MAX];
	size_t n_resolvers;
};

/* The attempts in their order, and the share of the time in percent that each may take. */
enum attempt { BY_UDP, BY_UDP_AGAIN, BY_TCP, N_ATTEMPTS };
static const int64_t share[N_ATTEMPTS] = { 20, 30, 50 };

/* Reasons why a protocol gave no answer, for messages. */
static const char *const untried = "no time left", *const silent = "no answer",
			 *const refused = "not reachable",
			 *const no_message = "the answer is not a DNS message",
			 *const truncated = "the answer is truncated",
			 *const altered = "the answer changes the letters of the question";

/*
 * State: dns_probe() enqueues the operation; begin() allocates its exchange, and finish() or
 * cancel() frees it. An exchange makes one attempt after another: `attempt` is the current one,
 * `try` its channel. on_ended() leads to the next attempt, to an answer, or to the probe's end
 * without one. `udp` and `tcp` keep the reason of the last failure by protocol.
 *
 * A probe that has begun.
 */
struct exchange {
	struct dns_probe_op *op;
	struct dns_try try;
	struct buf question; /* of this attempt */
	enum attempt attempt;
	bool no_edns;
	int64_t deadline_ms, sent_ms;
	const char *udp, *tcp; /* why it gave no answer */
};

static void release(struct exchange *exchange)
{
	dns_try_done(&exchange->try);
	buf_done(&exchange->question);
	exchange->op->impl = NULL;
	free(exchange);
}

static void finish(struct exchange *exchange, enum dns_outcome outcome)
{
	struct dns_probe_op *op = exchange->op;

	op->outcome = outcome;
	release(exchange);
	dns_waiter_end(&op->waiter);
	op_end(&op->op, NULL);
}

static void give_up(struct exchange *exchange)
{
	struct dns_probe_op *op = exchange->op;
	enum dns_outcome outcome = DNS_TIMEOUT;

	if (exchange->udp == no_message || exchange->tcp == no_message)
		outcome = DNS_GARBAGE;
	else if (exchange->udp == truncated || exchange->tcp == truncated)
		outcome = DNS_TRUNCATED;
	else if (exchange->udp == altered)
		outcome = DNS_ALTERED;
	else if (exchange->udp == refused && exchange->tcp == refused)
		outcome = DNS_UNREACHABLE;
	snprintf(op->why, sizeof(op->why), "UDP: %s; TCP: %s", exchange->udp, exchange->tcp);
	finish(exchange, outcome);
}

static int write_question(struct exchange *exchange, struct err *err)
{
	const struct dns_probe_op *op = exchange->op;
	struct dns_question question = {
		.name = op->name,
		.type = op->type,
		.recurse = op->recurse,
		.wants_dnssec = op->wants_dnssec,
		.wants_authentic = op->wants_authentic,
		.no_edns = exchange->no_edns,
	};

	rand_bytes(&question.id, sizeof(question.id));
	question.case_seed = (uint32_t)rand_below(UINT32_MAX) + 1;
	buf_clear(&exchange->question);
	return dns_question_write(&question, &exchange->question, err);
}

static void next_attempt(struct exchange *exchange, enum attempt attempt)
{
	struct dns_probe_op *op = exchange->op;
	int64_t now = clock_tick().ms, left = exchange->deadline_ms - now;
	int64_t time_ms = op->time_ms * share[attempt] / 100;
	struct dns_wire wire;
	struct err err = ERR_INIT;

	if (left <= 0) {
		give_up(exchange);
		return;
	}
	exchange->attempt = attempt;
	exchange->sent_ms = now;
	if (write_question(exchange, &err) < 0) {
		snprintf(op->why, sizeof(op->why), "%.127s", err.text);
		finish(exchange, DNS_UNREACHABLE);
		return;
	}
	wire = (struct dns_wire){ exchange->question.data, exchange->question.len,
		!exchange->no_edns };
	dns_try_begin(&exchange->try, &op->server, wire, attempt == BY_TCP,
		time_ms < left ? time_ms : left);
}

/* Makes the next attempt after this one failed because of `why`. */
static void attempt_failed(struct exchange *exchange, const char *why)
{
	if (exchange->attempt == BY_TCP) {
		exchange->tcp = why;
		give_up(exchange);
		return;
	}
	exchange->udp = why;
	if (exchange->attempt != BY_UDP || (why != silent && why != no_message)) {
		next_attempt(exchange, BY_TCP);
		return;
	}
	/*
	 * A server that does not know EDNS may drop the question, or answer with a bare header,
	 * which c-ares drops.
	 */
	exchange->no_edns = !exchange->op->wants_dnssec;
	next_attempt(exchange, BY_UDP_AGAIN);
}

/*
 * Does the answer repeat the question in the same letters? c-ares compares without regard to
 * case.
 */
static bool echoes_question(const struct exchange *exchange)
{
	const struct buf *question = &exchange->question, *answer = &exchange->try.answer;
	size_t len = question->len - (exchange->no_edns ? 0 : OPT_LEN);

	return answer->len >= len &&
	       memcmp(answer->data + HEADER_LEN, question->data + HEADER_LEN,
		       len - HEADER_LEN) == 0;
}

static void take_answer(struct exchange *exchange)
{
	struct dns_probe_op *op = exchange->op;
	const struct buf *bytes = &exchange->try.answer;
	struct dns_message answer;
	struct err err = ERR_INIT;

	if (dns_message_read(bytes->data, bytes->len, &answer, &err) < 0) {
		attempt_failed(exchange, no_message);
		return;
	}
	op->answer = answer;
	op->by_tcp = exchange->attempt == BY_TCP;
	op->udp_is_dead = op->by_tcp && (exchange->udp == silent || exchange->udp == refused);
	op->rtt_ms = clock_tick().ms - exchange->sent_ms;
	finish(exchange, DNS_ANSWERED);
}

/* The third octet of a message (RFC 1035, 4.1.1). */
enum { QR = 0x80, OPCODE = 0x78, TC = 0x02 };

static unsigned flags_of(const struct buf *answer)
{
	return answer->len >= HEADER_LEN ? (uint8_t)answer->data[2] : 0;
}

/* Is it FORMERR with an OPT record? c-ares itself repeats the question after one without. */
static bool refuses_edns(const struct buf *bytes)
{
	struct dns_message answer;
	struct err err = ERR_INIT;
	bool refuses;

	if (dns_message_read(bytes->data, bytes->len, &answer, &err) < 0)
		return false;
	refuses = answer.rcode == DNS_FORMERR && answer.has_edns;
	dns_message_done(&answer);
	return refuses;
}

static void on_ended(struct dns_try *try)
{
	struct exchange *exchange = CONTAINER_OF(try, struct exchange, try);
	bool by_udp = exchange->attempt != BY_TCP;
	unsigned flags = flags_of(&try->answer);

	if (try->outcome == DNS_TIMEOUT) {
		attempt_failed(exchange, silent);
	} else if (try->outcome == DNS_UNREACHABLE) {
		attempt_failed(exchange, refused);
	} else if (try->outcome == DNS_GARBAGE) {
		attempt_failed(exchange, no_message);
	} else if ((flags & (QR | OPCODE)) != QR) {
		attempt_failed(exchange, no_message);
	} else if (by_udp && !echoes_question(exchange)) {
		attempt_failed(exchange, altered);
	} else if (flags & TC) {
		attempt_failed(exchange, truncated);
	} else if (!exchange->no_edns && refuses_edns(&try->answer)) {
		exchange->no_edns = true;
		next_attempt(exchange, exchange->attempt);
	} else {
		take_answer(exchange);
	}
}

/*
 * Many machines have no IPv6 route while servers have IPv6 addresses; the kernel knows without
 * waiting.
 */
static bool has_no_route(const struct dns_address *server)
{
	int fd, error;

	if (server->any.sa_family != AF_INET6)
		return false;
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = fd < 0 || connect(fd, &server->any, server->len) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL ||
	       error == EAFNOSUPPORT;
}

static void begin(struct dns_waiter *waiter)
{
	struct dns_probe_op *op = CONTAINER_OF(waiter, struct dns_probe_op, waiter);
	struct exchange *exchange = mem_new(struct exchange);

	op->impl = exchange;
	exchange->op = op;
	exchange->try.loop = waiter->scheduler->loop;
	exchange->try.ended = on_ended;
	exchange->udp = exchange->tcp = untried;
	if (op->time_ms <= 0)
		op->time_ms = TIME_MS;
	exchange->deadline_ms = clock_tick().ms + op->time_ms;
	if (has_no_route(&op->server)) {
		snprintf(op->why, sizeof(op->why), "this machine has no route to it");
		finish(exchange, DNS_NO_ROUTE);
		return;
	}
	next_attempt(exchange, BY_UDP);
}

static void cancel(struct op *base)
{
	struct dns_probe_op *op = CONTAINER_OF(base, struct dns_probe_op, op);

	if (op->impl)
		release(op->impl);
	op->outcome = DNS_TIMEOUT;
	dns_waiter_end(&op->waiter);
	op_end(&op->op, NULL);
}

void dns_probe(struct dns *dns, struct task *task, struct dns_probe_op *op)
{
	op_begin(&op->op, task, cancel);
	dns_probe_enqueue(&dns->scheduler, op, begin);
}

void dns_deliver(struct dns *dns, struct task *task, struct dns_deliver_op *op)
{
	dns_stream_deliver(&dns->scheduler, task, op);
}

size_t dns_system_resolvers(struct dns *dns, struct dns_address *out, size_t max)
{
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);

	/*
	 * The sandbox keeps a replaced file from being read, and c-ares would then use the
	 * loopback address.
	 */
	if (fd >= 0 || dns->n_resolvers == 0)
		dns->n_resolvers = dns_cares_resolvers(dns->resolvers, RESOLVERS_MAX);
	if (fd >= 0)
		close(fd);
	if (max > dns->n_resolvers)
		max = dns->n_resolvers;
	memcpy(out, dns->resolvers, max * sizeof(*out));
	return max;
}

struct dns *dns_new(struct loop *loop)
{
	struct dns *dns = mem_new(struct dns);

	dns_cares_begin();
	dns->loop = loop;
	dns->scheduler.loop = loop;
	dns->n_resolvers = dns_cares_resolvers(dns->resolvers, RESOLVERS_MAX);
	return dns;
}

void dns_free(struct dns *dns)
{
	if (!dns)
		return;
	dns_scheduler_done(&dns->scheduler);
	dns_cares_end();
	free(dns);
}
