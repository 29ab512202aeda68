/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_WATCH_POLLER_H
#define CERTD_DAEMON_DNS_WATCH_POLLER_H

#include "daemon/dns/watch/propagation.h"

/*
 * The task behind visible.h: rounds of questions about one owner and type, to all addresses that are due
 * for anybody who waits.  Internal to daemon/dns.
 */

/* Somebody waits; the lookout begins with the first. */
void lookout_join(struct visible *visible, uint16_t type);

/* Waits no more, and is told nothing. */
void lookout_leave(struct visible *visible);

/* What is told of a wait: that no server is found, once; that it takes long, once; that it is over; why it was in vain, as its error. */
void visible_say_unserved(struct visible *visible);
void visible_say_slow(struct visible *visible);
void visible_say_seen(const struct visible *visible);
void visible_fail_late(struct visible *visible);

#endif
