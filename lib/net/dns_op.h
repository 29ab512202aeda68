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
 * the function that took it.  Of one server at most DNS_RATE begin in any second (response rate limiting would
 * answer more with nothing), of all at most DNS_IN_FLIGHT are under way (each has a descriptor).  A server's
 * own wait in the order in which they came, and nobody waits for another server's second to pass.  A turn is
 * ended once, whether it has begun or not; the struct is in the operation and owned by who asks.
 *
 *	dns_turn_take(&dns->pace, &op->turn, &op->server, begin);
 *	... begin(&op->turn) from the loop
 *	dns_turn_end(&op->turn);
 *
 * A zeroed pace with its loop set is ready.
 */

struct dns_pace {
	struct loop *loop;
	struct map peers; /* those that wait, and those that began something within a second */
	struct heap due;  /* the same, by when they may begin the next or be forgotten */
	struct timer timer;
	size_t n_waiting, n_in_flight;
};

/* `server` NULL: there is no rate, as for messages that somebody else made. */
void dns_turn_take(struct dns_pace *pace, struct dns_turn *turn,
	const struct dns_address *server, void (*begin)(struct dns_turn *turn));
void dns_turn_end(struct dns_turn *turn);

/* No turn may be taken. */
void dns_pace_done(struct dns_pace *pace);

#endif
