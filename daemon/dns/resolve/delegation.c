/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/delegation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum { DELEGATION_MS = 5 * 60 * 1000, DELEGATIONS_KEPT = 1024 };

void delegation_add(struct delegation *delegation, const struct dns_address *address)
{
	for (size_t i = 0; i < delegation->n; i++)
		if (dns_address_is(&delegation->at[i], address))
			return;
	if (delegation->n < DELEGATION_ADDRESSES)
		delegation->at[delegation->n++] = *address;
}

size_t zone_turn(const char *apex, size_t n)
{
	return n > 0 ? str_hash(apex, strlen(apex)) % n : 0;
}

void delegation_rotate(struct delegation *delegation)
{
	struct delegation old = *delegation;
	size_t first = zone_turn(delegation->apex, delegation->n);

	for (size_t i = 0; i < delegation->n; i++)
		delegation->at[i] = old.at[(first + i) % delegation->n];
}

const struct delegation *delegation_known(const struct zones *zones, const char *apex)
{
	struct delegation *delegation = map_get(&zones->delegations, apex);
	struct dns_address first;

	if (!delegation || delegation->until.ms <= clock_tick().ms)
		return NULL;
	first = delegation->at[0];
	memmove(&delegation->at[0], &delegation->at[1], (delegation->n - 1) * sizeof(first));
	delegation->at[delegation->n - 1] = first;
	return delegation;
}

const struct delegation *delegation_learnt(const struct zones *zones, const char *apex)
{
	const struct zone_conf *zone = zones_conf(zones, apex);

	return zone && zone->name ? NULL : delegation_known(zones, apex);
}

void delegation_remember(struct zones *zones, const struct delegation *delegation)
{
	struct delegation *copy, *old;
	size_t at = 0;

	if (zones->delegations.n >= DELEGATIONS_KEPT &&
		(old = map_next(&zones->delegations, &at))) {
		map_remove(&zones->delegations, old->apex);
		free(old);
	}
	assert(delegation->n > 0);
	copy = mem_new(struct delegation);
	*copy = *delegation;
	copy->until.ms = clock_tick().ms + DELEGATION_MS;
	free(map_set(&zones->delegations, copy->apex, copy));
}

void delegation_forget(struct zones *zones, const char *apex)
{
	free(map_remove(&zones->delegations, apex));
}

static void drop(struct delegation *delegation, const struct dns_address *address)
{
	for (size_t i = 0; i < delegation->n && delegation->n > 1; i++)
		if (dns_address_is(&delegation->at[i], address)) {
			delegation->at[i] = delegation->at[--delegation->n];
			return;
		}
}

void delegation_drop(
	struct zones *zones, const char *apex, const struct dns_address *silent, size_t n)
{
	struct delegation *delegation = map_get(&zones->delegations, apex);

	for (size_t i = 0; delegation && i < n; i++)
		drop(delegation, &silent[i]);
}
