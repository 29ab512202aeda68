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
 * A YAML decoder fills structs from nodes by tables.
 *
 * A map with fixed keys is described by an array of struct yaml_field, one row per key: the
 * member it fills, its type, its bounds, its default and its help. The same rows make the
 * diagnostics, `certd --explain`, the JSON schema and the manual, so that a key exists in all
 * of them. A map with free keys ("NAME: ...") is a struct yaml_type with `entry` set.
 *
 * A map whose key `type` selects its other keys has one table too: rows that belong to one type
 * name it in `only`.
 *
 * decode() of a type writes the final form of a value, or reports an error and leaves the
 * member unchanged. Decoding goes on after an error. Decoded text lives in the decoder's arena.
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
	const char *word; /* as sentences name it: "duration" */
	const char
		*json; /* members of its JSON schema object; NULL: made from `fields` or `of` */
	size_t size;   /* of the member it fills */
	void (*decode)(struct yaml_decoder *d, const struct yaml_value *v, void *out);
	const struct yaml_field *fields; /* a map with these keys, when not NULL */
	/* a map from free names, which sentences call by this ("NAME") ... */
	const char *entry;
	const struct yaml_type *of; /* ... to values of this type */
	const char *entry_help;     /* help about the entries, like a row's; or NULL */
};

struct yaml_field {
	const char *name; /* NULL ends the table */
	const struct yaml_type *type;
	size_t offset, size;
	const char *fallback; /* YAML, decoded by yaml_decode_fallbacks(); NULL: no default */
	const char *help;     /* sentences; the last one without its full stop */
	int64_t min, max;     /* for numbers and durations, in seconds; both 0: no bounds */
	const char *only; /* the value of the key `type` to which this row belongs; NULL: all */
	bool is_required;
};

#define YAML_FIELD(owner, member, kind, ...)                                                   \
	{                                                                                      \
		.name = #member, .type = &(kind), .offset = offsetof(owner, member),           \
		.size = sizeof(((owner *)0)->member), __VA_ARGS__                              \
	}

/* For keys that are not C identifiers, or are C keywords. */
#define YAML_FIELD_AS(text, owner, member, kind, ...)                                          \
	{                                                                                      \
		.name = (text), .type = &(kind), .offset = offsetof(owner, member),            \
		.size = sizeof(((owner *)0)->member), __VA_ARGS__                              \
	}

/*
 * Decodes a map into `out` by its table, over the present content. Returns the set of rows that
 * were given, bit i for row i; tables have at most 64 rows.
 */
uint64_t yaml_decode(struct yaml_decoder *d, const struct yaml_node *node,
	const struct yaml_path *path, const struct yaml_field *fields, void *out);

/* The bit of a row in the result of yaml_decode(). */
uint64_t yaml_given(const struct yaml_field *fields, const char *name);

/* Fills `out` with the defaults. A wrong fallback is a bug. */
void yaml_decode_fallbacks(struct yaml_decoder *d, const struct yaml_field *fields, void *out);

/* The text of a scalar, or NULL after an error that says what was wanted ("a duration"). */
const char *yaml_text_of(
	struct yaml_decoder *d, const struct yaml_value *v, const char *wanted);

/*
 * The items of a list and their number in `n`, or NULL after an error that says what was wanted
 * ("a list of names").
 */
const struct yaml_node *yaml_items_of(
	struct yaml_decoder *d, const struct yaml_value *v, const char *wanted, size_t *n);

/* The decode() of a nested map with fixed keys, whose struct is inside its owner's. */
void yaml_decode_nested(struct yaml_decoder *d, const struct yaml_value *v, void *out);

/* Reports an error about the value. */
void yaml_bad(struct yaml_decoder *d, const struct yaml_value *v, const char *fmt, ...)
	PRINTF(3, 4);

/* The index of `text` in the NULL-terminated `words`, or -1 after an error that lists them. */
int yaml_word_of(struct yaml_decoder *d, const struct yaml_value *v, const char *const *words);

/* Types that any configuration needs. */
extern const struct yaml_type yaml_bool;     /* bool */
extern const struct yaml_type yaml_duration; /* struct duration, within min..max */
extern const struct yaml_type yaml_uint16;   /* uint16_t, within min..max */
extern const struct yaml_type yaml_int16;    /* int16_t, within min..max */
extern const struct yaml_type yaml_string;   /* const char *, not empty */

#endif
