/* SPDX-License-Identifier: MIT */
/*
 * Several files as one tree: sections merge, and in `groups` the groups too; the same entry twice
 * is an error that names both places.
 */
#include "daemon/conf/merge.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* An entry of one of the maps; `order` keeps equal keys in the order of the files. */
struct part {
	const struct yaml_node *key, *value;
	size_t order;
};

static int by_key(const void *left, const void *right)
{
	const struct part *a = left, *b = right;
	int order = strcmp(a->key->text, b->key->text);

	return order ? order : a->order < b->order ? -1 : 1;
}

/* How many levels below this entry merge: -1 for a value that may stand once only. */
static int levels_below(int levels, const char *key)
{
	static const char *const sections[] = { "control", "defaults", "cas", "targets",
		"hooks", "http", "tls_alpn" };

	if (levels != MERGE_TOP)
		return levels - 1;
	if (str_is(key, "groups") || str_is(key, "dns"))
		return 1;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (str_is(sections[i], key))
			return 0;
	return -1;
}

static void tell_twice(struct yaml_diags *diags, const struct yaml_path *path,
	const struct part *first, const struct part *again)
{
	yaml_error(diags, again->key->place, path, "is given twice, first in %s:%u",
		yaml_diags_name(diags, first->key->place.file), first->key->place.line);
}

/* One entry out of `n` with the same key. */
static struct yaml_node merge_run(const struct part *parts, size_t n, int levels,
	const struct yaml_path *path, struct arena *arena, struct yaml_diags *diags)
{
	const struct yaml_node **values AUTO_FREE = mem_zalloc(n * sizeof(*values));
	size_t n_maps = 0;

	for (size_t i = 0; i < n; i++)
		if (parts[i].value->kind == NODE_MAP)
			values[n_maps++] = parts[i].value;
	if (levels >= 0 && n_maps)
		return merge_maps(values, n_maps, levels, path, arena, diags);
	for (size_t i = 1; i < n; i++)
		tell_twice(diags, path, &parts[0], &parts[i]);
	return *parts[0].value;
}

struct yaml_node merge_maps(const struct yaml_node *const *maps, size_t n, int levels,
	const struct yaml_path *path, struct arena *arena, struct yaml_diags *diags)
{
	struct yaml_node out = { .place = maps[0]->place, .kind = NODE_MAP };
	struct part *parts AUTO_FREE = NULL;
	size_t total = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		total += maps[i]->n;
	parts = mem_zalloc(total * sizeof(*parts));
	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < maps[i]->n; j++, at++)
			parts[at] = (struct part){ &maps[i]->items[2 * j],
				&maps[i]->items[2 * j + 1], at };
	qsort(parts, total, sizeof(*parts), by_key);
	out.items = arena_zalloc(arena, 2 * total * sizeof(*out.items));
	for (size_t i = 0, run; i < total; i += run) {
		struct yaml_path here = { .up = path, .key = parts[i].key->text };

		for (run = 1; i + run < total && str_is(parts[i + run].key->text, here.key);)
			run++;
		out.items[2 * out.n] = *parts[i].key;
		out.items[2 * out.n + 1] = *parts[i].value;
		/* Every file has its own `include`. */
		if (run > 1 && !(levels == MERGE_TOP && str_is(here.key, "include")))
			out.items[2 * out.n + 1] = merge_run(&parts[i], run,
				levels_below(levels, here.key), &here, arena, diags);
		out.n++;
	}
	return out;
}
