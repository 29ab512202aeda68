/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_NET_DNS_OP_H
#define CERTD_LIB_NET_DNS_OP_H

#include <stddef.h>

#include "lib/base/heap.h"
#include "lib/base/map.h"
#include "lib/net/dns_probe.h"

/*
 * A DNS scheduler decides when the operations of lib/net/dns_probe.h begin, for the files that
 * implement them.
 *
 * An operation is enqueued as a waiter; its begin() is called from the loop when it may begin,
 * never from within the call that enqueued it. Each waiter is ended once, whether it has begun
 * or not. The struct is part of the operation, which its caller owns.
 *
 *	dns_probe_enqueue(&dns->scheduler, op, begin);
 *	... begin(&op->waiter) from the loop
 *	dns_waiter_end(&op->waiter);
 *
 * At most DNS_RATE operations begin at one server in any second: response rate limiting would
 * leave more without an answer. Each operation under way holds a slot. There are DNS_IN_FLIGHT
 * slots for the servers of zones, and DNS_OWN_IN_FLIGHT for deliveries and for questions to the
 * configured resolvers, so that these never wait for the former.
 *
 * A server that never answers holds a slot for ten seconds, and one operator may run many such
 * servers, so slots are shared fairly. A flow is the zone that is asked about, or the server's
 * address when no zone is given. A quarter of the slots is reserved for flows that hold none;
 * of the others a flow holds at most half as many as are free, and one server as many as are
 * free. A single zone therefore gets a quarter of all slots, a single server half, and a new
 * flow finds a slot at once while fewer than two dozen zones hang. With more of them flows
 * alternate: a flow that just held a slot goes behind those that waited meanwhile. Waiters of
 * one flow at one server begin in the order in which they came. The configured resolvers have
 * neither a server's share nor its rate.
 *
 * A zeroed scheduler with its loop set is ready.
 */

/* Slots, the operations that hold them, and those that wait for one. */
struct dns_pool {
	size_t slots, n_in_flight;
	struct map
		/* with a waiter, with an operation under way, or begun at within a second */
		servers;
	struct map flows; /* with a waiter or an operation under way */
	/*
	 * Servers, by the time when the next operation may begin or the server is dropped;
	 * those that have their share are left out.
	 */
	struct heap due;
};

struct dns_scheduler {
	struct loop *loop;
	struct timer timer;
	struct dns_pool shared, own;
	size_t n_waiting;
};

/* Adds the operation, which is otherwise ready to begin, to its queue. */
void dns_probe_enqueue(struct dns_scheduler *scheduler, struct dns_probe_op *op,
	void (*begin)(struct dns_waiter *waiter));
void dns_deliver_enqueue(struct dns_scheduler *scheduler, struct dns_deliver_op *op,
	void (*begin)(struct dns_waiter *waiter));
void dns_waiter_end(struct dns_waiter *waiter);

/* No waiter may be left. */
void dns_scheduler_done(struct dns_scheduler *scheduler);

#endif
