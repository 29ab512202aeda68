/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_WATCH_POLLER_H
#define CERTD_DAEMON_DNS_WATCH_POLLER_H

#include "daemon/dns/watch/propagation.h"

/*
 * A poller asks for one owner and type in rounds, at all addresses that are due for any of its
 * waits (propagation.h).  Internal to daemon/dns.
 */

/* Adds a wait; the poller begins with the first. */
void poller_join(struct propagation *propagation, uint16_t type);

/* Removes a wait, which is told nothing. */
void poller_leave(struct propagation *propagation);

/*
 * Reports of a wait: no server is found, once; it takes long, once; it is over; and the error
 * of one that ran out of time.
 */
void propagation_report_unserved(struct propagation *propagation);
void propagation_report_slow(struct propagation *propagation);
void propagation_report_seen(const struct propagation *propagation);
void propagation_fail_late(struct propagation *propagation);

#endif
