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
 * A DNS probe sends one question to one address of a name server, as an operation of a task.
 * The header is a seam: dns_cares.c asks with c-ares over the loop, tests/sim/dns_fake.c
 * answers from scripted zones on virtual time.
 *
 *	dns_question(&o->probe, name, DNS_TXT, &address);
 *	o->probe.recurse = true;                a resolver; else an authoritative server
 *	AWAIT(dns_probe(dns, task, &o->probe));
 *	... o->probe.outcome, o->probe.answer, o->probe.by_tcp, o->probe.rtt_ms
 *
 * A probe never fails its task: its result is `outcome`. It makes attempts over UDP (2 s, then
 * 3 s) and then over TCP (5 s); after a truncated answer it asks over TCP at once. Each attempt
 * has a random id, a fresh socket and the letters of the name in random case. A message without
 * the probe's id and question, or from another address, is not an answer; after other letters
 * over UDP the probe asks again over TCP. Questions carry EDNS with 1232 octets, and none when
 * a server answers FORMERR to that, or not at all while DNSSEC is not wanted. NODATA, CNAMEs
 * and referrals are answers; the caller judges them.
 *
 * At most DNS_IN_FLIGHT questions are under way, and at most DNS_RATE begin at one address in a
 * second; others wait. Each zone and each address gets only a part of the slots, so that
 * servers that never answer do not delay other zones. rtt_ms counts from the sending of the
 * attempt that was answered.
 *
 * dns_deliver() sends a prepared message (a dynamic update) over TCP and waits for the answer
 * with its id. It is not retried: after a failure it is unknown whether the server carried it
 * out.
 *
 * lib/net/dns_op.h schedules both, in every implementation.
 */

struct dns;

#define DNS_IN_FLIGHT 64
/* in addition: deliveries, and questions to the configured resolvers */
#define DNS_OWN_IN_FLIGHT 32

/*
 * Response rate limits count the answers to a client's network: some those to one question or,
 * where a name does not exist, those of one zone (BIND as it is configured, Windows 5 a
 * second), others all of one kind (NSD 200). 20 is far below the latter, and enough for a
 * thousand zones on one server. The former are reached only by many names of one zone; the
 * server then asks for TCP, which a probe uses.
 */
#define DNS_RATE 20

enum dns_outcome {
	DNS_ANSWERED,    /* any rcode */
	DNS_TIMEOUT,     /* no answer, by UDP nor TCP */
	DNS_UNREACHABLE, /* the system reports no way, or a closed port */
	DNS_GARBAGE,     /* the answer was not a DNS message */
	DNS_TRUNCATED,   /* the answer was cut short (TC), and TCP gave no whole one */
	/* the answer over UDP had the question in other letters, and TCP gave none */
	DNS_ALTERED,
	/* this machine has no IPv6 route to the address; found out without waiting */
	DNS_NO_ROUTE,
};

struct dns_address { /* stored in thousands, hence no struct sockaddr_storage */
	union {
		struct sockaddr_in6 six;
		struct sockaddr_in four;
		struct sockaddr any;
	}; /* with the port */
	socklen_t len;
};

/*
 * "192.0.2.1", "2001:db8::1"; with another port than 53 "192.0.2.1:5353", "[2001:db8::1]:5353".
 * Returns out.
 */
#define DNS_ADDRESS_TEXT_LEN 64
const char *dns_address_text(const struct dns_address *address, char out[DNS_ADDRESS_TEXT_LEN]);
bool dns_address_is(const struct dns_address *a, const struct dns_address *b);

/* The address of 4 or 16 octets, as in an A or AAAA record. */
struct dns_address dns_address_of(const uint8_t *octets, size_t len, uint16_t port);

/* An operation in the scheduler (lib/net/dns_op.h). */
struct dns_waiter {
	struct list link;
	struct dns_scheduler *scheduler; /* NULL: not enqueued */
	struct dns_queue *queue;         /* while it waits; NULL: it has begun */
	struct dns_server *server;       /* once it has begun */
	struct dns_flow *flow;
	void (*begin)(struct dns_waiter *waiter);
};

struct dns_probe_op {
	struct op op;
	struct dns_waiter waiter;
	char *name; /* owned copy */
	uint16_t type;
	struct dns_address server;
	bool recurse, wants_dnssec, wants_authentic;
	bool is_own; /* a configured resolver: no share and no rate */
	const char
		/* the zone it is about, whose flow it belongs to; until dns_probe() returns */
		*zone;
	int64_t time_ms; /* for all attempts; 0: 10 s */
	/* result */
	enum dns_outcome outcome;
	struct dns_message answer; /* when DNS_ANSWERED */
	bool by_tcp;               /* by TCP instead of UDP */
	bool udp_is_dead;          /* UDP stayed silent and TCP answered */
	int64_t rtt_ms;
	char why[128]; /* reason, when there is no answer */
	void *impl;
};

/*
 * Prepares the operation, which is zeroed or was used before: frees what it holds and clears
 * all options.
 */
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

/* Called before the sandbox is entered. */
struct dns *dns_new(struct loop *loop);
void dns_free(struct dns *dns); /* no operation may be pending */

/*
 * Writes the resolvers of resolv.conf, at most `max`, and returns their number. The file is
 * read each time; while it cannot be read, the last result stands.
 */
size_t dns_system_resolvers(struct dns *dns, struct dns_address *out, size_t max);

#endif
