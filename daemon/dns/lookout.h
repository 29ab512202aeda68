#ifndef CERTD_DAEMON_DNS_LOOKOUT_H
#define CERTD_DAEMON_DNS_LOOKOUT_H

#include "daemon/dns/visible.h"

/*
 * The task behind visible.h: rounds of questions about one owner and type, to all addresses that are due
 * for anybody who waits.  Internal to daemon/dns.
 */

/* Somebody waits; the lookout begins with the first. */
void lookout_join(struct visible *visible, uint16_t type);

/* Waits no more, and is told nothing. */
void lookout_leave(struct visible *visible);

#endif
