/* SPDX-License-Identifier: MIT */
/* The named entries of a section, and references to them. */
#include "daemon/conf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

/* CAs and targets are compared with each other; certificates are not. */
#define SECTION_MAX 4096

bool entry_name_is_good(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return file_name_is_safe(name) && strlen(name) <= ENTRY_NAME_MAX &&
	       strspn(name, letters) == strlen(name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct conf_entry *)a)->name, ((const struct conf_entry *)b)->name);
}

struct conf_entries conf_entries_of(
	struct loading *l, const struct yaml_node *section, const struct yaml_path *path)
{
	struct conf_entries entries = { 0 };

	if (!section)
		return entries;
	if (section->n > SECTION_MAX) {
		yaml_error(l->diags, section->place, path, "has %u entries; the most is %d",
			section->n, SECTION_MAX);
		return entries;
	}
	entries.at = arena_zalloc(&l->arena, (section->n + 1) * sizeof(*entries.at));
	for (uint32_t i = 0; i < section->n; i++) {
		const struct yaml_node *key = &section->items[2 * i];
		struct yaml_path here = { .up = path, .key = key->text };

		if (entry_name_is_good(key->text))
			entries.at[entries.n++] = (struct conf_entry){ key->text, key,
				&section->items[2 * i + 1] };
		else
			yaml_error(l->diags, key->place, &here,
				"a name has letters, digits, dots, hyphens and underscores, at "
				"most %d, "
				"and no leading dot",
				ENTRY_NAME_MAX);
	}
	if (entries.n > 1)
		qsort(entries.at, entries.n, sizeof(*entries.at), by_name);
	return entries;
}

const char **conf_entries_index(
	struct loading *l, const struct conf_entries *entries, struct map *by_name_out)
{
	const char **names = arena_zalloc(&l->arena, (entries->n + 1) * sizeof(*names));

	for (size_t i = 0; i < entries->n; i++) {
		names[i] = entries->at[i].name;
		map_set(by_name_out, names[i], (void *)(uintptr_t)(i + 1));
	}
	return names;
}

int64_t reference_find(struct loading *l, const struct yaml_node *node,
	const struct yaml_path *path, const struct map *by_name_map, const char *const *names,
	const char *what)
{
	size_t at = (size_t)(uintptr_t)map_get(by_name_map, node->text);
	const char *near;

	if (at)
		return (int64_t)at - 1;
	/* It may stand in the part that could not be read. */
	if (l->has_bad_tree)
		return -1;
	near = str_near_miss(node->text, names);
	if (near)
		yaml_error(l->diags, node->place, path,
			"there is no %s called %.80s; did you mean %s?", what, node->text,
			near);
	else
		yaml_error(l->diags, node->place, path, "there is no %s called %.80s", what,
			node->text);
	return -1;
}
