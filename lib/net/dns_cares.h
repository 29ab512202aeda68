/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_DNS_CARES_H
#define CERTD_LIB_NET_DNS_CARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/dns_probe.h"

/*
 * A DNS try sends one message to one address over UDP or TCP and returns the answer, by c-ares.
 * dns_cares.c is the only file that knows c-ares; the sequence of attempts is in
 * lib/net/dns_asker.c.
 *
 * Each try has a channel of its own, because a channel keeps its socket, forgets EDNS for good
 * after one FORMERR, and cannot change servers. It reads no file of the system, retries
 * nothing, drops no answer for its rcode, and keeps a truncated one. An answer without the id
 * and question, or from another address, is dropped; letters in another case are not noticed
 * here. Time is the loop's.
 *
 * `ended` is called from the loop, once, never from within dns_try_begin(); afterwards the
 * struct may begin another try or be freed.
 */

struct dns_try {
	struct loop *loop;
	void (*ended)(struct dns_try *attempt);
	/* result */
	enum dns_outcome outcome;
	struct buf answer; /* the bytes, when DNS_ANSWERED */
	/* private */
	void *channel; /* NULL: nothing is under way */
	struct timer timer;
	struct dns_watched *watched;
	bool is_over;
};

struct dns_wire {
	const void *data;
	size_t len;
	bool has_edns; /* answers of DNS_EDNS_SIZE over UDP are expected */
};

void dns_try_begin(struct dns_try *attempt, const struct dns_address *server,
	struct dns_wire wire, bool by_tcp, int64_t time_ms);

/*
 * Ends the try without calling `ended` if it is under way, and frees what it holds; zeroed is
 * fine.
 */
void dns_try_done(struct dns_try *attempt);

/* Frame all other calls, once per process. */
void dns_cares_begin(void);
void dns_cares_end(void);

/*
 * Writes the resolvers of resolv.conf, as c-ares reads it, at most `max`, and returns their
 * number.
 */
size_t dns_cares_resolvers(struct dns_address *out, size_t max);

#endif
