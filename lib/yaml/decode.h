/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_YAML_DECODE_H
#define CERTD_LIB_YAML_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/yaml/diag.h"
#include "lib/yaml/tree.h"

struct arena;

/*
 * From nodes to structs, by tables.
 *
 * A map with fixed keys is described by an array of struct yaml_field, one row per key: where its
 * value goes in the struct, its type, its bounds, what holds when it is not given, and its help.
 * The same rows make the diagnostics, `certd --explain`, the JSON schema and the manual, so a key
 * exists completely or not at all.  A map with free keys ("NAME: ...") is a struct yaml_type with
 * `entry` set.
 *
 * A map whose key `type` says what else is in it has one table all the same: rows that belong to
 * one type alone name it in `only`.
 *
 * A type's decode() writes the final form of a value, or tells what is wrong and leaves the member
 * as it was.  Nothing stops at the first mistake.  Decoded text lives in the decoder's arena.
 */

struct yaml_decoder {
	struct yaml_diags *diags;
	struct arena *arena;
	void *world; /* for the types of the application */
};

/* A value under decoding: its node, its path, and the row that describes it. */
struct yaml_value {
	const struct yaml_node *node;
	const struct yaml_path *path;
	const struct yaml_field *field;
};

struct yaml_type {
	const char *word; /* for people: "duration" */
	const char
		*json; /* members of its JSON schema object; NULL: made from `fields` or `of` */
	size_t size;   /* of the member it fills */
	void (*decode)(struct yaml_decoder *d, const struct yaml_value *v, void *out);
	const struct yaml_field *fields; /* a map with these keys, when not NULL */
	const char *entry;               /* a map from free names, called this ("NAME") ... */
	const struct yaml_type *of;      /* ... to this */
	const char *entry_help; /* what is to be known of them, like a row's; or NULL */
};

struct yaml_field {
	const char *name; /* NULL ends the table */
	const struct yaml_type *type;
	size_t offset, size;
	const char *fallback; /* YAML, decoded by yaml_decode_fallbacks(); NULL: none */
	const char *help;     /* sentences, without a final stop at the end of the last */
	int64_t min, max;     /* for numbers and durations, in seconds; both 0: no bounds */
	const char
		*only; /* the value of the key `type` to which this row belongs; NULL: to all */
	bool is_required;
};

#define YAML_FIELD(owner, member, kind, ...)                                                   \
	{                                                                                      \
		.name = #member, .type = &(kind), .offset = offsetof(owner, member),           \
		.size = sizeof(((owner *)0)->member), __VA_ARGS__                              \
	}

/* For keys that are no C identifiers, or C keywords. */
#define YAML_FIELD_AS(text, owner, member, kind, ...)                                          \
	{                                                                                      \
		.name = (text), .type = &(kind), .offset = offsetof(owner, member),            \
		.size = sizeof(((owner *)0)->member), __VA_ARGS__                              \
	}

/*
 * Decodes a map into `out` by its table, over what `out` holds already.  Returns the set of rows
 * that were given, bit i for row i; tables have at most 64 rows.
 */
uint64_t yaml_decode(struct yaml_decoder *d, const struct yaml_node *node,
	const struct yaml_path *path, const struct yaml_field *fields, void *out);

/* The bit of a row in what yaml_decode() returned. */
uint64_t yaml_given(const struct yaml_field *fields, const char *name);

/* Fills `out` with what holds when nothing is given.  A wrong fallback is a bug. */
void yaml_decode_fallbacks(struct yaml_decoder *d, const struct yaml_field *fields, void *out);

/*
 * Is this a scalar with text?  The text, or NULL after telling what was wanted ("a duration").
 */
const char *yaml_text_of(
	struct yaml_decoder *d, const struct yaml_value *v, const char *wanted);

/*
 * Is this a list?  Its items with their number in `n`, or NULL after telling what was wanted
 * ("a list of names").
 */
const struct yaml_node *yaml_items_of(
	struct yaml_decoder *d, const struct yaml_value *v, const char *wanted, size_t *n);

/* The decode() of a nested map with fixed keys, whose struct lies in its owner's. */
void yaml_decode_nested(struct yaml_decoder *d, const struct yaml_value *v, void *out);

/* Tells that the value is wrong. */
void yaml_bad(struct yaml_decoder *d, const struct yaml_value *v, const char *fmt, ...)
	PRINTF(3, 4);

/*
 * The place of `text` in the NULL-terminated `words`, or -1 after telling which there are.
 */
int yaml_word_of(struct yaml_decoder *d, const struct yaml_value *v, const char *const *words);

/* Types that any configuration needs. */
extern const struct yaml_type yaml_bool;     /* bool */
extern const struct yaml_type yaml_duration; /* struct duration, within min..max */
extern const struct yaml_type yaml_uint16;   /* uint16_t, within min..max */
extern const struct yaml_type yaml_int16;    /* int16_t, within min..max */
extern const struct yaml_type yaml_string;   /* const char *, not empty */

#endif
