/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_DNS_OP_H
#define CERTD_LIB_NET_DNS_OP_H

#include <stddef.h>

#include "lib/base/heap.h"
#include "lib/base/map.h"
#include "lib/net/dns_probe.h"

/*
 * For those who implement lib/net/dns_probe.h: the order in which operations begin.
 *
 * An operation takes a turn, which is called from the loop when it may begin, and never from within
 * the function that took it.  A turn is ended once, whether it has begun or not; the struct is in the operation and
 * owned by who asks.
 *
 *	dns_probe_take(&dns->pace, op, begin);
 *	... begin(&op->turn) from the loop
 *	dns_turn_end(&op->turn);
 *
 * Of one server at most DNS_RATE begin in any second: response rate limiting would answer more with nothing.
 * Each that is under way has a place, of which there are DNS_IN_FLIGHT for servers of zones and DNS_OWN_IN_FLIGHT
 * for what is ours, messages of others and questions to our resolvers: the latter wait for none of the former.
 *
 * A server that never answers keeps a place for ten seconds, and whoever runs some can have many of them
 * asked.  So places are shared.  An account is the zone that is asked about, or the address when no zone is told.
 * A quarter of the places goes only to accounts that hold none; of the others an account holds at most half
 * as many as are free, and one server as many as are free.  So a single zone gets a quarter of all, a single server half,
 * and whoever comes anew finds a place at once while less than two dozen zones hang.  With more of them accounts
 * take turns: one that just held a place goes behind those that waited meanwhile.  Turns of one account at one server
 * begin in the order in which they came.  Our resolvers are exempt from the share of a server, as from its rate.
 *
 * A zeroed pace with its loop set is ready.
 */

/* Places, and who holds them or waits for them. */
struct dns_pool {
	size_t slots, n_in_flight;
	struct map
		servers;  /* of which something waits, is under way, or began within a second */
	struct map flows; /* of which something waits or is under way */
	/* Peers, by when they may begin the next or be forgotten; without those that have their share. */
	struct heap due;
};

struct dns_scheduler {
	struct loop *loop;
	struct timer timer;
	struct dns_pool shared, own;
	size_t n_waiting;
};

/* The turns of the two operations, which are prepared but for that. */
void dns_probe_enqueue(struct dns_scheduler *scheduler, struct dns_probe_op *op,
	void (*begin)(struct dns_waiter *waiter));
void dns_deliver_enqueue(struct dns_scheduler *scheduler, struct dns_deliver_op *op,
	void (*begin)(struct dns_waiter *waiter));
void dns_waiter_end(struct dns_waiter *waiter);

/* No turn may be taken. */
void dns_scheduler_done(struct dns_scheduler *scheduler);

#endif
