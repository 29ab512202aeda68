/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_MAP_H
#define CERTD_LIB_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * A map is a hash table from text to pointer with open addressing. It copies nothing: the key
 * must live as long as its entry, usually inside the value. map_next() walks it.
 */

struct map_slot {
	const char *key; /* NULL: free */
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t n, size;
};

void *map_get(const struct map *map, const char *key);

/* Sets or replaces a value. Returns the previous value, or NULL. */
void *map_set(struct map *map, const char *key, void *value);

/* Removes and returns the value, or NULL. */
void *map_remove(struct map *map, const char *key);

/*
 * Walks in no particular order: start with *at = 0; NULL at the end. The map must not change
 * meanwhile.
 */
void *map_next(const struct map *map, size_t *at);
void map_done(struct map *map);

#endif
