/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_STR_H
#define CERTD_LIB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A text helper needs no memory of its own: comparisons, patterns, near misses, hexadecimal,
 * hashes. All texts are NUL-terminated UTF-8.
 */

static inline bool str_is(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/*
 * The number of edits between two texts, at most `limit` + 1: inserting, deleting or replacing
 * a character, or swapping two neighbours.
 */
size_t str_distance(const char *a, const char *b, size_t limit);

/*
 * Returns the word of `words` (NULL-terminated) nearest to `text`, or NULL when none is near
 * enough to be suggested.
 */
const char *str_near_miss(const char *text, const char *const *words);

/*
 * Does the certificate name GROUP/SERVICE match? A pattern is "G/S", where each half may hold
 * "*" (any characters, no slash); a half alone matches the whole group.
 */
bool str_matches(const char *name, const char *pattern);

/* Reads 2 * len hexadecimal digits. False for other characters or another length. */
bool str_unhex(const char *text, uint8_t *out, size_t len);

/* Reads a whole decimal number within the bounds; false otherwise. */
bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* FNV-1a, for hash tables only, not for security. */
uint64_t str_hash(const void *data, size_t len);

/* Is this well-formed UTF-8 without NUL? */
bool str_is_utf8(const char *data, size_t len);

#endif
