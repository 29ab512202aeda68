/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_ZONES_LIFE_H
#define CERTD_DAEMON_DNS_ZONES_LIFE_H

#include "daemon/dns/resolve/zones.h"

/*
 * The life of a struct zones is its creation, a new configuration at each reload, its stop and
 * its end.  This file alone includes all parts of daemon/dns that remember something there or
 * have tasks of their own; those include zones.h and lower ones only.
 */

/* `conf` is referenced, the rest borrowed. */
struct zones *zones_new(
	struct loop *loop, struct dns *dns, struct keeper *keeper, struct conf *conf);

/* Takes another configuration; everything is asked again when it is needed next. */
void zones_set_conf(struct zones *zones, struct conf *conf);

/*
 * For an operator: forgets failed look-ups, asks resolvers that were left alone, and surveys zones
 * whose name servers are doubted.
 */
void zones_look_anew(struct zones *zones);

/* Ends the tasks without a waiting caller; `idle` is called when none runs any more. */
void zones_stop(struct zones *zones, void (*idle)(void *data), void *data);
void zones_free(struct zones *zones); /* after zones_stop() was idle; NULL is fine */

#endif
