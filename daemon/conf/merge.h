/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CONF_MERGE_H
#define CERTD_DAEMON_CONF_MERGE_H

#include <stddef.h>

#include "lib/yaml/tree.h"

struct arena;

/*
 * A merge makes one tree of several files.  The maps of a configuration merge: the sections of
 * the top, and in `groups` the groups; below that an entry belongs to one file, and a second
 * one is an error.  The result shares the nodes of its parts and comes sorted by key; places
 * stay those of the files, so diagnostics name them.
 */

#define MERGE_TOP 100

/* `n` >= 1 maps; levels is MERGE_TOP for the roots of files. */
struct yaml_node merge_maps(const struct yaml_node *const *maps, size_t n, int levels,
	const struct yaml_path *path, struct arena *arena, struct yaml_diags *diags);

#endif
