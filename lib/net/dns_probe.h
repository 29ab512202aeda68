/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_DNS_PROBE_H
#define CERTD_LIB_NET_DNS_PROBE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/task/task.h"
#include "lib/wire/dns_message.h"

/*
 * One question to one address of a name server, as an operation of a task; and a seam: dns_cares.c asks
 * with c-ares over the loop, tests/sim/dns_fake.c answers from a scripted world of zones on virtual time.
 *
 *	dns_question(&o->probe, name, DNS_TXT, &address);
 *	o->probe.recurse = true;                          a resolver; else an authoritative server
 *	AWAIT(dns_probe(dns, task, &o->probe));
 *	... o->probe.outcome, o->probe.answer, o->probe.by_tcp, o->probe.rtt_ms
 *
 * A probe never fails its task: what came of it is its outcome.  It is tried over UDP (2 s, then 3 s),
 * then over TCP (5 s); a truncated answer is asked for over TCP at once.  Each try has a random id, a fresh
 * socket and the letters of the name in random case.  What does not carry our id and question, or comes from
 * another address, is no answer; what has other letters over UDP is asked for again over TCP.  It is asked
 * with EDNS of 1232 octets, and without when a server answers FORMERR to that, or not at all and no DNSSEC is
 * wanted.  NODATA, CNAMEs and referrals are answers like others: who asked judges them.
 *
 * Asked side by side are at most DNS_IN_FLIGHT questions, and of one address at most DNS_RATE begin in a second; others
 * wait.  No zone and no address gets more than a part of these places, so that servers that never answer hold up nobody else.
 * rtt_ms counts from when the try that was answered was really sent.
 *
 * dns_deliver() sends a message that somebody else made (a dynamic update) over TCP and waits for the answer
 * to its id.  Nothing is retried: whether it was carried out is not known when it fails.
 *
 * What both implementations share, the pacing above all, is in lib/net/dns_op.h.
 */

struct dns;

#define DNS_IN_FLIGHT 64
#define DNS_OWN_IN_FLIGHT 32 /* beside these: deliveries, and questions to our own resolvers */

/*
 * Rate limits count the answers to a client's network: some those to one question or, where a name
 * does not exist, those of one zone (BIND as it is configured, Windows 5 a second), others all of one kind
 * (NSD 200).  20 is far below the latter, and enough for a thousand zones on one server; the former
 * are reached only by as many names of one zone, and tell the rest to come by TCP, which a probe does.
 */
#define DNS_RATE 20

enum dns_outcome {
	DNS_ANSWERED,    /* any rcode */
	DNS_TIMEOUT,     /* nobody answered, by UDP nor TCP */
	DNS_UNREACHABLE, /* the system says that there is no way, or nobody listens */
	DNS_GARBAGE,     /* what came was no message */
	DNS_TRUNCATED, /* all that came was cut short (TC), and there was no whole answer over TCP */
	DNS_ALTERED, /* UDP gave the question back in other letters, and there was no answer over TCP */
	DNS_NO_ROUTE, /* this machine has no IPv6 to ask it by; found out without waiting */
};

struct dns_address { /* kept in thousands, hence no struct sockaddr_storage */
	union {
		struct sockaddr_in6 six;
		struct sockaddr_in four;
		struct sockaddr any;
	}; /* with the port */
	socklen_t len;
};

/* "192.0.2.1", "2001:db8::1"; with another port than 53 "192.0.2.1:5353", "[2001:db8::1]:5353".  Returns out. */
#define DNS_ADDRESS_TEXT_LEN 64
const char *dns_address_text(const struct dns_address *address, char out[DNS_ADDRESS_TEXT_LEN]);
bool dns_address_is(const struct dns_address *a, const struct dns_address *b);

/* The address of 4 or 16 octets, as in an A or AAAA record. */
struct dns_address dns_address_of(const uint8_t *octets, size_t len, uint16_t port);

/* How an operation waits until it may begin; lib/net/dns_op.h. */
struct dns_waiter {
	struct list link;
	struct dns_scheduler *scheduler; /* NULL: it has none */
	struct dns_queue *queue;         /* in which it waits; NULL: it has begun */
	struct dns_server *server;       /* from then on */
	struct dns_flow *flow;
	void (*begin)(struct dns_waiter *waiter);
};

struct dns_probe_op {
	struct op op;
	struct dns_waiter waiter;
	char *name; /* its own copy */
	uint16_t type;
	struct dns_address server;
	bool recurse, wants_dnssec, wants_authentic;
	bool is_own; /* the resolver is ours: it is not spared */
	const char
		*zone; /* what it is about, whose places it takes; until dns_probe() returns */
	int64_t time_ms; /* for all tries; 0: 10 s */
	/* the answer */
	enum dns_outcome outcome;
	struct dns_message answer; /* when DNS_ANSWERED */
	bool by_tcp;               /* it came over TCP */
	bool udp_is_dead;          /* UDP stayed silent and TCP answered */
	int64_t rtt_ms;
	char why[128]; /* when not answered: words for people */
	void *impl;
};

/* Prepares the operation, which is zeroed or was used before: frees what it holds, and sets all wishes back. */
void dns_question(struct dns_probe_op *op, const char *name, uint16_t type,
	const struct dns_address *server);
void dns_probe(struct dns *dns, struct task *task, struct dns_probe_op *op);
void dns_probe_done(struct dns_probe_op *op); /* zeroed is fine */

struct dns_deliver_op {
	struct op op;
	struct dns_waiter waiter;
	struct buf message; /* wire form, without the length */
	struct dns_address server;
	int64_t time_ms;   /* 0: 10 s */
	struct buf answer; /* the answer's bytes */
	struct err err;    /* ERR_CONNECT, ERR_TIMEOUT, ERR_DNS; not the task's */
	void *impl;
};

void dns_deliver(struct dns *dns, struct task *task, struct dns_deliver_op *op);
void dns_deliver_done(struct dns_deliver_op *op); /* zeroed is fine */

/* Made before the sandbox is entered. */
struct dns *dns_new(struct loop *loop);
void dns_free(struct dns *dns); /* no operation may be pending */

/*
 * The resolvers that the system names (resolv.conf), at most `max`; how many.  Read anew; while the file
 * cannot be read, what it said last.
 */
size_t dns_system_resolvers(struct dns *dns, struct dns_address *out, size_t max);

#endif
