/* SPDX-License-Identifier: MIT */
#include "lib/base/heap.h"

#include <stdlib.h>

#include "lib/base/mem.h"

static void put(struct heap *heap, size_t i, struct heap_node *node)
{
	heap->nodes[i] = node;
	node->at = i + 1;
}

static void up(struct heap *heap, size_t i, struct heap_node *node)
{
	while (i > 0 && node->key < heap->nodes[(i - 1) / 2]->key) {
		put(heap, i, heap->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(heap, i, node);
}

static void down(struct heap *heap, size_t i, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= heap->n)
			break;
		if (child + 1 < heap->n &&
			heap->nodes[child + 1]->key < heap->nodes[child]->key)
			child++;
		if (node->key <= heap->nodes[child]->key)
			break;
		put(heap, i, heap->nodes[child]);
		i = child;
	}
	put(heap, i, node);
}

/* Moves `node` from the free place i to where its key belongs. */
static void settle(struct heap *heap, size_t i, struct heap_node *node)
{
	if (i > 0 && node->key < heap->nodes[(i - 1) / 2]->key)
		up(heap, i, node);
	else
		down(heap, i, node);
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t key)
{
	node->key = key;
	if (node->at) {
		settle(heap, node->at - 1, node);
		return;
	}
	if (heap->n == heap->size) {
		heap->size = heap->size ? heap->size * 2 : 16;
		heap->nodes = mem_grow(heap->nodes, heap->size, sizeof(*heap->nodes));
	}
	up(heap, heap->n++, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *last;
	size_t i = node->at;

	if (i == 0)
		return;
	node->at = 0;
	last = heap->nodes[--heap->n];
	if (last != node)
		settle(heap, i - 1, last);
}

struct heap_node *heap_first(const struct heap *heap)
{
	return heap->n ? heap->nodes[0] : NULL;
}

void heap_done(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){ 0 };
}
