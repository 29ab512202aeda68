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
	struct dns_pace pace;
	struct dns_address resolvers[RESOLVERS_MAX];
	size_t n_resolvers;
};

/* The tries one after another, and what part of the time in percent each may take. */
enum rung { BY_UDP, BY_UDP_AGAIN, BY_TCP, N_RUNGS };
static const int64_t share[N_RUNGS] = { 20, 30, 50 };

/* What keeps a protocol from having answered, in words for people. */
static const char *const untried = "no time left", *const silent = "no answer",
			 *const refused = "not reachable",
			 *const no_message = "what came is no message",
			 *const truncated = "the answer is truncated",
			 *const other_letters = "the answer is not to our letters";

/* A probe that has begun. */
struct asked {
	struct dns_probe_op *op;
	struct dns_try attempt;
	struct buf question; /* of this try */
	enum rung rung;
	bool no_edns;
	int64_t deadline_ms, sent_ms;
	const char *udp, *tcp; /* why it did not answer */
};

static void release(struct asked *asked)
{
	dns_try_done(&asked->attempt);
	buf_done(&asked->question);
	asked->op->impl = NULL;
	free(asked);
}

static void finish(struct asked *asked, enum dns_outcome outcome)
{
	struct dns_probe_op *op = asked->op;

	op->outcome = outcome;
	release(asked);
	dns_turn_end(&op->turn);
	op_end(&op->op, NULL);
}

static void give_up(struct asked *asked)
{
	struct dns_probe_op *op = asked->op;
	enum dns_outcome outcome = DNS_TIMEOUT;

	if (asked->udp == no_message || asked->tcp == no_message)
		outcome = DNS_GARBAGE;
	else if (asked->udp == truncated || asked->tcp == truncated)
		outcome = DNS_TRUNCATED;
	else if (asked->udp == other_letters)
		outcome = DNS_ALTERED;
	else if (asked->udp == refused && asked->tcp == refused)
		outcome = DNS_UNREACHABLE;
	snprintf(op->why, sizeof(op->why), "UDP: %s; TCP: %s", asked->udp, asked->tcp);
	finish(asked, outcome);
}

static int write_question(struct asked *asked, struct err *err)
{
	const struct dns_probe_op *op = asked->op;
	struct dns_question question = {
		.name = op->name,
		.type = op->type,
		.recurse = op->recurse,
		.wants_dnssec = op->wants_dnssec,
		.wants_authentic = op->wants_authentic,
		.no_edns = asked->no_edns,
	};

	rand_bytes(&question.id, sizeof(question.id));
	question.case_seed = (uint32_t)rand_below(UINT32_MAX) + 1;
	buf_clear(&asked->question);
	return dns_question_write(&question, &asked->question, err);
}

static void climb(struct asked *asked, enum rung rung)
{
	struct dns_probe_op *op = asked->op;
	int64_t now = clock_tick().ms, left = asked->deadline_ms - now;
	int64_t time_ms = op->time_ms * share[rung] / 100;
	struct dns_wire wire;
	struct err err = ERR_INIT;

	if (left <= 0) {
		give_up(asked);
		return;
	}
	asked->rung = rung;
	asked->sent_ms = now;
	if (write_question(asked, &err) < 0) {
		snprintf(op->why, sizeof(op->why), "%.127s", err.text);
		finish(asked, DNS_UNREACHABLE);
		return;
	}
	wire = (struct dns_wire){ asked->question.data, asked->question.len, !asked->no_edns };
	dns_try_begin(&asked->attempt, &op->server, wire, rung == BY_TCP,
		time_ms < left ? time_ms : left);
}

/* The next try, after this one came to nothing because of `why`. */
static void go_on(struct asked *asked, const char *why)
{
	if (asked->rung == BY_TCP) {
		asked->tcp = why;
		give_up(asked);
		return;
	}
	asked->udp = why;
	if (asked->rung != BY_UDP || (why != silent && why != no_message)) {
		climb(asked, BY_TCP);
		return;
	}
	/* Who does not know EDNS may swallow it, or answer with a bare header, which c-ares drops. */
	asked->no_edns = !asked->op->wants_dnssec;
	climb(asked, BY_UDP_AGAIN);
}

/* Has the answer our question, to the letter?  c-ares compares without regard to case. */
static bool has_our_letters(const struct asked *asked)
{
	const struct buf *question = &asked->question, *answer = &asked->attempt.answer;
	size_t len = question->len - (asked->no_edns ? 0 : OPT_LEN);

	return answer->len >= len &&
	       memcmp(answer->data + HEADER_LEN, question->data + HEADER_LEN,
		       len - HEADER_LEN) == 0;
}

static void take_answer(struct asked *asked)
{
	struct dns_probe_op *op = asked->op;
	const struct buf *bytes = &asked->attempt.answer;
	struct dns_message answer;
	struct err err = ERR_INIT;

	if (dns_message_read(bytes->data, bytes->len, &answer, &err) < 0) {
		go_on(asked, no_message);
		return;
	}
	op->answer = answer;
	op->by_tcp = asked->rung == BY_TCP;
	op->udp_is_dead = op->by_tcp && (asked->udp == silent || asked->udp == refused);
	op->rtt_ms = clock_tick().ms - asked->sent_ms;
	finish(asked, DNS_ANSWERED);
}

/* The third octet of a message (RFC 1035, 4.1.1). */
enum { QR = 0x80, OPCODE = 0x78, TC = 0x02 };

static unsigned flags_of(const struct buf *answer)
{
	return answer->len >= HEADER_LEN ? (uint8_t)answer->data[2] : 0;
}

/* Is it FORMERR with an OPT?  The one without is asked again by c-ares. */
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

static void on_ended(struct dns_try *attempt)
{
	struct asked *asked = CONTAINER_OF(attempt, struct asked, attempt);
	bool by_udp = asked->rung != BY_TCP;
	unsigned flags = flags_of(&attempt->answer);

	if (attempt->outcome == DNS_TIMEOUT) {
		go_on(asked, silent);
	} else if (attempt->outcome == DNS_UNREACHABLE) {
		go_on(asked, refused);
	} else if (attempt->outcome == DNS_GARBAGE) {
		go_on(asked, no_message);
	} else if ((flags & (QR | OPCODE)) != QR) {
		go_on(asked, no_message);
	} else if (by_udp && !has_our_letters(asked)) {
		go_on(asked, other_letters);
	} else if (flags & TC) {
		go_on(asked, truncated);
	} else if (!asked->no_edns && refuses_edns(&attempt->answer)) {
		asked->no_edns = true;
		climb(asked, asked->rung);
	} else {
		take_answer(asked);
	}
}

/* Machines without IPv6 are common, and so are servers with it.  The kernel knows at once. */
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

static void begin(struct dns_turn *turn)
{
	struct dns_probe_op *op = CONTAINER_OF(turn, struct dns_probe_op, turn);
	struct asked *asked = mem_new(struct asked);

	op->impl = asked;
	asked->op = op;
	asked->attempt.loop = turn->pace->loop;
	asked->attempt.ended = on_ended;
	asked->udp = asked->tcp = untried;
	if (op->time_ms <= 0)
		op->time_ms = TIME_MS;
	asked->deadline_ms = clock_tick().ms + op->time_ms;
	if (has_no_route(&op->server)) {
		snprintf(op->why, sizeof(op->why), "this machine has no route to it");
		finish(asked, DNS_NO_ROUTE);
		return;
	}
	climb(asked, BY_UDP);
}

static void cancel(struct op *base)
{
	struct dns_probe_op *op = CONTAINER_OF(base, struct dns_probe_op, op);

	if (op->impl)
		release(op->impl);
	op->outcome = DNS_TIMEOUT;
	dns_turn_end(&op->turn);
	op_end(&op->op, NULL);
}

void dns_probe(struct dns *dns, struct task *task, struct dns_probe_op *op)
{
	op_begin(&op->op, task, cancel);
	dns_probe_take(&dns->pace, op, begin);
}

void dns_deliver(struct dns *dns, struct task *task, struct dns_deliver_op *op)
{
	dns_stream_deliver(&dns->pace, task, op);
}

size_t dns_system_resolvers(struct dns *dns, struct dns_address *out, size_t max)
{
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);

	/* In the sandbox a file that was replaced cannot be read, and c-ares would take the loopback. */
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
	dns->pace.loop = loop;
	dns->n_resolvers = dns_cares_resolvers(dns->resolvers, RESOLVERS_MAX);
	return dns;
}

void dns_free(struct dns *dns)
{
	if (!dns)
		return;
	dns_pace_done(&dns->pace);
	dns_cares_end();
	free(dns);
}
