/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_YAML_TREE_H
#define CERTD_LIB_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/yaml/diag.h"

struct arena;

/*
 * A YAML tree consists of compact nodes with places.
 *
 * It is built from libyaml's events in the caller's arena and dropped when the values are
 * decoded. It is a small subset of YAML: maps with text keys, lists and scalars. Features that
 * make a file mean something other than it seems are errors with a place: aliases, anchors,
 * tags, duplicate keys, several documents, NUL, any encoding but UTF-8, and nesting deeper than
 * YAML_DEPTH_MAX. All scalars are texts; the decoder gives them a type.
 */

#define YAML_DEPTH_MAX 32

enum node_kind {
	NODE_BAD, /* already reported: decoders skip it */
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
};

/*
 * A map of n entries has 2 * n nodes in `items`, key before value; a list has n. The text of a
 * scalar is NUL-terminated and n octets long.
 */
struct yaml_node {
	union {
		const char *text;
		struct yaml_node *items;
	};
	struct yaml_place place;
	uint32_t n;
	uint8_t kind;   /* enum node_kind */
	bool is_quoted; /* a scalar in quotes or a block */
};

/*
 * Parses one file. `file` is its number in `diags`. Always returns a node: an empty map for an
 * empty file, NODE_BAD when the text is not valid YAML.
 */
struct yaml_node yaml_parse(const char *data, size_t len, uint16_t file, struct arena *arena,
	struct yaml_diags *diags);

/* The value of `key` in a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Is the value absent: empty, "~" or "null" without quotes? */
bool yaml_is_null(const struct yaml_node *node);

/* "a map", "a list", "a text", for sentences. */
const char *yaml_kind_text(const struct yaml_node *node);

#endif
