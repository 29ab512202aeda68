/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_WATCH_POLLER_H
#define CERTD_DAEMON_DNS_WATCH_POLLER_H

#include "daemon/dns/watch/propagation.h"

/*
 * The task behind visible.h: rounds of questions about one owner and type, to all addresses that are due
 * for anybody who waits.  Internal to daemon/dns.
 */

/* Somebody waits; the poller begins with the first. */
void poller_join(struct propagation *propagation, uint16_t type);

/* Waits no more, and is told nothing. */
void poller_leave(struct propagation *propagation);

/* What is told of a wait: that no server is found, once; that it takes long, once; that it is over; why it was in vain, as its error. */
void propagation_report_unserved(struct propagation *propagation);
void propagation_report_slow(struct propagation *propagation);
void propagation_report_seen(const struct propagation *propagation);
void propagation_fail_late(struct propagation *propagation);

#endif
