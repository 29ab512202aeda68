/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_JSON_JSON_H
#define CERTD_LIB_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/instant.h"

struct err;

/*
 * A JSON reader parses documents from the network with bounds. Absent members and those of
 * another type are NULL, so a caller checks only the members that it needs. This is the only
 * user of jansson; buf_add_json() writes JSON.
 *
 * A document owns its values and texts, which live as long as it does. Texts are UTF-8 without
 * NUL. Duplicate keys are an error, so that no two readers disagree.
 */

struct json; /* a value; the root must be freed */

#define JSON_MAX ((size_t)1024 * 1024)
#define JSON_DEPTH_MAX 32
#define JSON_CONTAINERS_MAX 20000

/*
 * ERR_TOO_LARGE beyond the bounds, ERR_BAD_VALUE when it is not a JSON object or array.
 * AUTO_JSON frees it.
 */
int json_read(const char *data, size_t len, struct json **out, struct err *err);
void json_free(struct json *root);
void json_freep(struct json **root);
#define AUTO_JSON CLEANUP(json_freep)

bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);

/* A member of an object: NULL when absent, JSON's null, or `object` is no object or NULL. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_get_text(const struct json *object, const char *key);

/* `fallback` when absent or of another type; a number with a fraction is another type. */
bool json_get_bool(const struct json *object, const char *key, bool fallback);
int64_t json_get_int(const struct json *object, const char *key, int64_t fallback);

/*
 * RFC 3339 with any fraction and offset (RFC 8555, 7.1.3); INSTANT_NONE when absent or
 * malformed.
 */
struct instant json_get_instant(const struct json *object, const char *key);

/* Elements of an array; 0 and NULL for anything else. */
size_t json_n(const struct json *array);
const struct json *json_at(const struct json *array, size_t i);
const char *json_text(const struct json *value); /* NULL when it is not a text */

/* Calls `tell` for each member, in the order of the text; JSON's null is NULL here too. */
void json_each(const struct json *object,
	void (*tell)(const char *key, const struct json *value, void *data), void *data);

#endif
