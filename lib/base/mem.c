/* SPDX-License-Identifier: MIT */
#include "lib/base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_MIN ((size_t)8 * 1024)
#define BLOCK_MAX ((size_t)256 * 1024)

struct arena_block {
	struct arena_block *older;
	alignas(max_align_t) char data[];
};

NORETURN void mem_exhausted(void)
{
	fputs("certd: out of memory\n", stderr);
	abort();
}

static void *checked(void *p)
{
	if (!p)
		mem_exhausted();
	return p;
}

void *mem_zalloc(size_t len)
{
	return checked(calloc(1, len ? len : 1));
}

void *mem_grow(void *old, size_t n, size_t size)
{
	return checked(reallocarray(old, n ? n : 1, size ? size : 1));
}

char *mem_strdup(const char *text)
{
	return checked(strdup(text));
}

char *mem_strndup(const char *text, size_t len)
{
	return checked(strndup(text, len));
}

char *mem_printf(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	return text;
}

void mem_freep(void *pointer_to_pointer)
{
	void **pp = pointer_to_pointer;

	free(*pp);
	*pp = NULL;
}

/* A new block is twice the last one, up to a bound, so small arenas stay small. */
static void arena_extend(struct arena *arena, size_t len)
{
	size_t size = arena->blocks ? arena->size * 2 : arena->size;
	struct arena_block *block;

	if (size == 0)
		size = BLOCK_MIN;
	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	if (size < len)
		size = len;
	if (size > SIZE_MAX - sizeof(*block))
		mem_exhausted();
	block = mem_zalloc(sizeof(*block) + size);
	block->older = arena->blocks;
	arena->blocks = block;
	arena->used = 0;
	arena->size = size;
	arena->total += sizeof(*block) + size;
}

struct arena arena_small(size_t first)
{
	return (struct arena){ .size = first };
}

static void *arena_take(struct arena *arena, size_t len, size_t align)
{
	void *p;

	arena->used = (arena->used + align - 1) & ~(align - 1);
	if (!arena->blocks || arena->used > arena->size || len > arena->size - arena->used)
		arena_extend(arena, len);
	p = arena->blocks->data + arena->used;
	arena->used += len;
	return p;
}

void *arena_zalloc(struct arena *arena, size_t len)
{
	return arena_take(arena, len, alignof(max_align_t) > 8 ? 8 : alignof(max_align_t));
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_take(arena, len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	char small[256], *text;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	text = arena_take(arena, (size_t)n + 1, 1);
	if ((size_t)n < sizeof(small))
		memcpy(text, small, (size_t)n + 1);
	else
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

void arena_done(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *older = arena->blocks->older;

		free(arena->blocks);
		arena->blocks = older;
	}
	*arena = (struct arena)ARENA_INIT;
}
