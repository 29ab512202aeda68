/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/zones.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/*
 * Beyond the first number, zones without users and without a survey are forgotten, all at once,
 * and not again before there are twice as many, so that they are not walked for each new one.
 * Beyond the second number surveyed zones without users go, too.
 */
enum { ZONES_KEPT = 256, ZONES_FRESH = 4096 };

static void zone_free(struct zone *zone)
{
	free(zone->servers);
	free(zone->apex);
	free(zone->trouble);
	free(zone);
}

static void forget_delegations(struct zones *zones)
{
	size_t at = 0;
	struct delegation *delegation;

	while ((delegation = map_next(&zones->delegations, &at)))
		free(delegation);
	map_done(&zones->delegations);
	zones->delegations = (struct map){ 0 };
}

void zones_doubt(struct zones *zones)
{
	struct zone *zone;
	size_t at = 0;

	forget_delegations(zones);
	while ((zone = map_next(&zones->by_apex, &at)))
		zone->fresh_until.ms = 0, zone->is_known = false;
}

void zones_clear(struct zones *zones)
{
	struct zone *zone;
	size_t at = 0;
	char *name;

	while ((zone = map_next(&zones->by_apex, &at)))
		zone_free(zone);
	map_done(&zones->by_apex);
	forget_delegations(zones);
	at = 0;
	while ((name = map_next(&zones->unresolved, &at)))
		free(name);
	map_done(&zones->unresolved);
}

static bool is_forgettable(const struct zone *zone)
{
	bool is_crowded = zone->zones->by_apex.n >= ZONES_FRESH;

	return zone->n_users == 0 && !zone->survey && list_is_empty(&zone->pollers) &&
	       (is_crowded || zone->fresh_until.ms < clock_tick().ms);
}

static void forget_zones(struct zones *zones)
{
	struct map kept = { 0 };
	struct zone *zone;
	size_t at = 0;

	while ((zone = map_next(&zones->by_apex, &at)))
		if (is_forgettable(zone))
			zone_free(zone);
		else
			map_set(&kept, zone->apex, zone);
	map_done(&zones->by_apex);
	zones->by_apex = kept;
	zones->n_kept = kept.n;
}

struct zone *zone_of(struct zones *zones, const char *apex)
{
	struct zone *zone = map_get(&zones->by_apex, apex);

	if (!zone) {
		if (zones->by_apex.n >= ZONES_KEPT && zones->by_apex.n >= 2 * zones->n_kept)
			forget_zones(zones);
		zone = mem_new(struct zone);
		zone->zones = zones;
		zone->apex = mem_strdup(apex);
		list_init(&zone->waiting);
		list_init(&zone->pollers);
		map_set(&zones->by_apex, zone->apex, zone);
	}
	zone->n_users++;
	return zone;
}

void zone_release(struct zone *zone)
{
	if (zone)
		zone->n_users--;
}

const struct zone_conf *zones_conf(const struct zones *zones, const char *name)
{
	return conf_zone(zones->conf, name);
}

int zones_address(const struct endpoint *endpoint, struct dns_address *out)
{
	if (endpoint->len == 0)
		return -1;
	assert(endpoint->len <= sizeof(out->six));
	*out = (struct dns_address){ .len = endpoint->len };
	memcpy(&out->six, &endpoint->addr, endpoint->len);
	return 0;
}

bool zones_note_unresolved(struct zones *zones, const char *server, bool is_resolved)
{
	char *name = map_get(&zones->unresolved, server);

	if (is_resolved && name) {
		map_remove(&zones->unresolved, name);
		free(name);
	}
	if (is_resolved || name)
		return false;
	name = mem_strdup(server);
	map_set(&zones->unresolved, name, name);
	return true;
}

void zones_task_began(struct zones *zones)
{
	zones->n_tasks++;
}

void zones_task_ended(struct zones *zones)
{
	zones->n_tasks--;
	if (zones->is_stopping && zones->n_tasks == 0 && zones->idle)
		zones->idle(zones->idle_data);
}
