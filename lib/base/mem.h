/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_MEM_H
#define CERTD_LIB_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "lib/base/attr.h"

/*
 * A memory function never returns NULL: the process ends when memory is exhausted, which
 * removes a third of all error paths. Sizes from outside are bounded before they reach this
 * header, so a peer cannot cause that cheaply.
 *
 * An arena allocates memory that is freed all at once: one per configuration and one per job.
 * mem_take() moves a pointer out of a variable whose cleanup would free it.
 */

void *mem_zalloc(size_t len) MUST_USE;
void *mem_grow(void *old, size_t n, size_t size) MUST_USE; /* realloc of n * size */
char *mem_strdup(const char *text) MUST_USE;
char *mem_strndup(const char *text, size_t len) MUST_USE;
char *mem_printf(const char *fmt, ...) PRINTF(1, 2) MUST_USE;
NORETURN void mem_exhausted(void);

#define mem_new(type) ((type *)mem_zalloc(sizeof(type)))

/* Frees the memory that the variable points to and sets it to NULL; also for CLEANUP(). */
void mem_freep(void *pointer_to_pointer);
#define AUTO_FREE CLEANUP(mem_freep)

/* Returns *pp and sets it to NULL. */
static inline void *mem_take(void *pointer_to_pointer)
{
	void **pp = pointer_to_pointer;
	void *p = *pp;

	*pp = NULL;
	return p;
}

struct arena {
	struct arena_block *blocks;
	size_t used, size; /* of the newest block */
	size_t total;      /* bytes allocated from the system */
};

#define ARENA_INIT                                                                             \
	{                                                                                      \
		NULL, 0, 0, 0                                                                  \
	}

/*
 * Returns an empty arena with a first block of `first` bytes, for many small arenas at a time;
 * later blocks double.
 */
struct arena arena_small(size_t first);

/* Zeroed memory, aligned for any type, valid until arena_done(). */
void *arena_zalloc(struct arena *arena, size_t len) MUST_USE;
char *arena_strdup(struct arena *arena, const char *text) MUST_USE;
char *arena_strndup(struct arena *arena, const char *text, size_t len) MUST_USE;
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3) MUST_USE;
#define arena_new(arena, type) ((type *)arena_zalloc(arena, sizeof(type)))

/* Frees everything; a zeroed arena is fine. */
void arena_done(struct arena *arena);

#endif
