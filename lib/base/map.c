/* SPDX-License-Identifier: MIT */
#include "lib/base/map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Returns the slot of `key`, or the free slot where it belongs. */
static size_t slot_of(const struct map *map, const char *key)
{
	size_t i = (size_t)str_hash(key, strlen(key)) & (map->size - 1);

	while (map->slots[i].key && strcmp(map->slots[i].key, key) != 0)
		i = (i + 1) & (map->size - 1);
	return i;
}

static void grow(struct map *map)
{
	struct map old = *map;

	map->size = old.size ? old.size * 2 : 16;
	map->slots = mem_zalloc(map->size * sizeof(*map->slots));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].key)
			map->slots[slot_of(map, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

void *map_get(const struct map *map, const char *key)
{
	return map->size ? map->slots[slot_of(map, key)].value : NULL;
}

void *map_set(struct map *map, const char *key, void *value)
{
	struct map_slot *slot;
	void *before;

	if (map->n * 4 >= map->size * 3)
		grow(map);
	slot = &map->slots[slot_of(map, key)];
	before = slot->value;
	if (!slot->key)
		map->n++;
	*slot = (struct map_slot){ key, value };
	return before;
}

void *map_remove(struct map *map, const char *key)
{
	size_t i, next;
	void *value;

	if (!map->size)
		return NULL;
	i = slot_of(map, key);
	if (!map->slots[i].key)
		return NULL;
	value = map->slots[i].value;
	map->slots[i] = (struct map_slot){ 0 };
	map->n--;
	/*
	 * Later entries may have been displaced past this slot: put each where it belongs now.
	 */
	for (next = (i + 1) & (map->size - 1); map->slots[next].key;
		next = (next + 1) & (map->size - 1)) {
		struct map_slot moved = map->slots[next];

		map->slots[next] = (struct map_slot){ 0 };
		map->slots[slot_of(map, moved.key)] = moved;
	}
	return value;
}

void *map_next(const struct map *map, size_t *at)
{
	while (*at < map->size) {
		const struct map_slot *slot = &map->slots[(*at)++];

		if (slot->key)
			return slot->value;
	}
	return NULL;
}

void map_done(struct map *map)
{
	free(map->slots);
	*map = (struct map){ 0 };
}
