/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_HEAP_H
#define CERTD_LIB_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A heap orders embedded nodes by a 64-bit key, for timers and the scheduler: reading the
 * smallest is constant, moving or removing a node costs log n. A zeroed node is in no heap. The
 * heap owns its array of pointers, not the nodes.
 */

struct heap_node {
	int64_t key;
	size_t at; /* index in the array plus one; 0: in no heap */
};

struct heap {
	struct heap_node **nodes;
	size_t n, size;
};

static inline bool heap_has(const struct heap_node *node)
{
	return node->at != 0;
}

/* Inserts the node, or moves it when it is in the heap. */
void heap_set(struct heap *heap, struct heap_node *node, int64_t key);
void heap_remove(struct heap *heap, struct heap_node *node);

/* The node with the smallest key, or NULL. */
struct heap_node *heap_first(const struct heap *heap);
void heap_done(struct heap *heap);

#endif
