/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/delegation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum { CUT_MS = 5 * 60 * 1000, CUTS_KEPT = 1024 };

void cut_add(struct cut *cut, const struct dns_address *address)
{
	for (size_t i = 0; i < cut->n; i++)
		if (dns_address_is(&cut->at[i], address))
			return;
	if (cut->n < CUT_ADDRESSES)
		cut->at[cut->n++] = *address;
}

size_t zone_turn(const char *apex, size_t n)
{
	return n > 0 ? str_hash(apex, strlen(apex)) % n : 0;
}

void cut_turn(struct cut *cut)
{
	struct cut old = *cut;
	size_t first = zone_turn(cut->apex, cut->n);

	for (size_t i = 0; i < cut->n; i++)
		cut->at[i] = old.at[(first + i) % cut->n];
}

const struct cut *cut_known(const struct zones *zones, const char *apex)
{
	struct cut *cut = map_get(&zones->cuts, apex);
	struct dns_address first;

	if (!cut || cut->until.ms <= clock_tick().ms)
		return NULL;
	first = cut->at[0];
	memmove(&cut->at[0], &cut->at[1], (cut->n - 1) * sizeof(first));
	cut->at[cut->n - 1] = first;
	return cut;
}

void cut_remember(struct zones *zones, const struct cut *cut)
{
	struct cut *copy, *old;
	size_t at = 0;

	if (zones->cuts.n >= CUTS_KEPT && (old = map_next(&zones->cuts, &at))) {
		map_remove(&zones->cuts, old->apex);
		free(old);
	}
	assert(cut->n > 0);
	copy = mem_new(struct cut);
	*copy = *cut;
	copy->until.ms = clock_tick().ms + CUT_MS;
	free(map_set(&zones->cuts, copy->apex, copy));
}

void cut_forget(struct zones *zones, const char *apex)
{
	free(map_remove(&zones->cuts, apex));
}

static void drop(struct cut *cut, const struct dns_address *address)
{
	for (size_t i = 0; i < cut->n && cut->n > 1; i++)
		if (dns_address_is(&cut->at[i], address)) {
			cut->at[i] = cut->at[--cut->n];
			return;
		}
}

void cut_drop(struct zones *zones, const char *apex, const struct dns_address *silent, size_t n)
{
	struct cut *cut = map_get(&zones->cuts, apex);

	for (size_t i = 0; cut && i < n; i++)
		drop(cut, &silent[i]);
}
