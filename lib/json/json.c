/* SPDX-License-Identifier: MIT */
#include "lib/json/json.h"

#include <jansson.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/rand.h"

/* A struct json is jansson's json_t under a name for other folders. */
static json_t *of(const struct json *value)
{
	return (json_t *)(uintptr_t)value;
}

static const struct json *as(const json_t *value)
{
	return value && !json_is_null(value) ? (const struct json *)value : NULL;
}

/* jansson's own limits protect its stack; these also bound the memory that a byte can cost. */
static int check_bounds(const char *data, size_t len, struct err *err)
{
	size_t depth = 0, containers = 0;
	bool in_text = false;

	if (len > JSON_MAX)
		return err_set(err, ERR_TOO_LARGE, "the JSON has %zu bytes, more than %zu", len,
			JSON_MAX);
	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		if (c == '"') {
			in_text = !in_text;
		} else if (in_text) {
			i += c == '\\';
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return err_set(err, ERR_TOO_LARGE,
					"the JSON is nested deeper than %d", JSON_DEPTH_MAX);
			if (++containers > JSON_CONTAINERS_MAX)
				return err_set(err, ERR_TOO_LARGE,
					"the JSON has more than %d objects and arrays",
					JSON_CONTAINERS_MAX);
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return 0;
}

/* By default jansson reads a seed from a device, which a sandboxed process cannot open. */
static void seed_hashes(void)
{
	static bool is_seeded;
	uint32_t seed;

	if (is_seeded)
		return;
	rand_bytes(&seed, sizeof(seed));
	json_object_seed(seed | 1);
	is_seeded = true;
}

int json_read(const char *data, size_t len, struct json **out, struct err *err)
{
	json_error_t error;
	json_t *root;

	*out = NULL;
	if (check_bounds(data, len, err) < 0)
		return -1;
	seed_hashes();
	root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return err_set(err, ERR_BAD_VALUE,
			"the JSON is wrong in line %d, column %d: %s", error.line, error.column,
			error.text);
	*out = (struct json *)root;
	return 0;
}

void json_free(struct json *root)
{
	json_decref(of(root));
}

void json_freep(struct json **root)
{
	json_free(*root);
}

/* In parentheses, because jansson has macros of these names. */
bool(json_is_object)(const struct json *value)
{
	return value && json_typeof(of(value)) == JSON_OBJECT;
}

bool(json_is_array)(const struct json *value)
{
	return value && json_typeof(of(value)) == JSON_ARRAY;
}

const struct json *json_get(const struct json *object, const char *key)
{
	return as(json_object_get(of(object), key));
}

const char *json_text(const struct json *value)
{
	return json_string_value(of(value));
}

const char *json_get_text(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

bool json_get_bool(const struct json *object, const char *key, bool fallback)
{
	const struct json *value = json_get(object, key);

	return json_is_boolean(of(value)) ? json_boolean_value(of(value)) : fallback;
}

int64_t json_get_int(const struct json *object, const char *key, int64_t fallback)
{
	const struct json *value = json_get(object, key);

	return json_is_integer(of(value)) ? json_integer_value(of(value)) : fallback;
}

struct instant json_get_instant(const struct json *object, const char *key)
{
	const char *text = json_get_text(object, key);
	struct instant at = INSTANT_NONE;

	if (text)
		instant_parse_rfc3339(text, &at);
	return at;
}

size_t json_n(const struct json *array)
{
	return json_array_size(of(array));
}

const struct json *json_at(const struct json *array, size_t i)
{
	return as(json_array_get(of(array), i));
}

void json_each(const struct json *object,
	void (*tell)(const char *key, const struct json *value, void *data), void *data)
{
	const char *key;
	json_t *value;

	json_object_foreach(of(object), key, value)
		tell(key, as(value), data);
}
