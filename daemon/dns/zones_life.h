/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_ZONES_LIFE_H
#define CERTD_DAEMON_DNS_ZONES_LIFE_H

#include "daemon/dns/resolve/zones.h"

/*
 * The life of a struct zones, which is the world's: it is made, gets another configuration at each reload, is
 * stopped, and freed once nothing runs any more.  This alone knows all parts that remember something there or have tasks
 * that run for nobody in particular; they know only zones.h, and what they stand on.
 */

/* `conf` is referenced, the rest borrowed. */
struct zones *zones_new(
	struct loop *loop, struct dns *dns, struct keeper *keeper, struct conf *conf);

/* Another configuration is in force: everything is asked anew when it is needed next. */
void zones_set_conf(struct zones *zones, struct conf *conf);

/* Ends what runs for nobody in particular; `idle` is called when nothing does any more. */
void zones_stop(struct zones *zones, void (*idle)(void *data), void *data);
void zones_free(struct zones *zones); /* after zones_stop() was idle; NULL is fine */

#endif
