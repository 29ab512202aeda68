/* SPDX-License-Identifier: MIT */
#include "daemon/dns/zones_life.h"

#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/dns/resolve/inflight.h"
#include "daemon/dns/resolve/survey.h"
#include "daemon/dns/resolve/trouble.h"
#include "daemon/dns/rules/caa_look.h"
#include "daemon/dns/update/updater.h"
#include "daemon/dns/watch/propagation.h"
#include "lib/base/mem.h"

/* The resolvers of the configuration, else the system's. */
static void find_resolvers(struct zones *zones)
{
	const struct endpoints *given = &zones->conf->dns.resolver;

	zones->n_resolvers = 0;
	zones->resolvers_due.ms = 0;
	for (size_t i = 0; i < given->n && zones->n_resolvers < RESOLVERS_MAX; i++)
		if (zones_address(&given->at[i], &zones->resolvers[zones->n_resolvers]) == 0)
			zones->n_resolvers++;
	if (given->n == 0)
		zones->n_resolvers =
			dns_system_resolvers(zones->dns, zones->resolvers, RESOLVERS_MAX);
}

struct zones *zones_new(
	struct loop *loop, struct dns *dns, struct keeper *keeper, struct conf *conf)
{
	struct zones *zones = mem_new(struct zones);

	zones->loop = loop;
	zones->dns = dns;
	zones->keeper = keeper;
	zones->conf = conf_ref(conf);
	list_init(&zones->updaters);
	list_init(&zones->troubles);
	find_resolvers(zones);
	return zones;
}

void zones_set_conf(struct zones *zones, struct conf *conf)
{
	conf_unref(zones->conf);
	zones->conf = conf_ref(conf);
	find_resolvers(zones);
	zones_doubt(zones);
	inflights_forget(zones);
	caa_forget(zones);
}

void zones_look_anew(struct zones *zones)
{
	struct zone *zone;
	size_t at = 0;

	zones->resolvers_due.ms = 0;
	inflights_forget(zones);
	while ((zone = map_next(&zones->by_apex, &at)))
		if (zone->is_doubted)
			zone->fresh_until.ms = 0;
}

void zones_stop(struct zones *zones, void (*idle)(void *data), void *data)
{
	struct zone *zone;
	size_t at = 0;

	zones->is_stopping = true;
	zones->idle = idle;
	zones->idle_data = data;
	while ((zone = map_next(&zones->by_apex, &at))) {
		survey_stop(zone);
		pollers_stop(zone);
	}
	updater_stop(zones);
	caa_stop(zones);
	if (zones->n_tasks == 0)
		idle(data);
}

void zones_free(struct zones *zones)
{
	if (!zones)
		return;
	troubles_done(zones);
	zones_clear(zones);
	inflights_forget(zones);
	map_done(&zones->inflights);
	caa_forget(zones);
	map_done(&zones->caa_seen);
	map_done(&zones->caa_asked);
	conf_unref(zones->conf);
	free(zones);
}
