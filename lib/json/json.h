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
 * JSON documents from the network, read with bounds and asked gently: what is absent or of another
 * type is NULL, so a reader names what it needs and refuses the rest.  The only user of jansson.  JSON
 * is written with buf_add_json().
 *
 * A document owns everything in it; values and texts live as long as it does.  Texts are UTF-8
 * without NUL.  Duplicate keys are refused, so that no two readers disagree.
 */

struct json; /* a value; the root is freed */

#define JSON_MAX ((size_t)1024 * 1024)
#define JSON_DEPTH_MAX 32
#define JSON_CONTAINERS_MAX 20000

/* ERR_TOO_LARGE beyond the bounds, ERR_BAD_VALUE for what is no JSON object or array.  AUTO_JSON frees. */
int json_read(const char *data, size_t len, struct json **out, struct err *err);
void json_free(struct json *root);
void json_freep(struct json **root);
#define AUTO_JSON CLEANUP(json_freep)

bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);

/* A member of an object: NULL when absent, JSON's null, or not an object.  NULL in, NULL out. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_get_text(const struct json *object, const char *key);

/* `fallback` when absent or of another type; a number with a fraction is another type. */
bool json_get_bool(const struct json *object, const char *key, bool fallback);
int64_t json_get_int(const struct json *object, const char *key, int64_t fallback);

/* RFC 3339 with any fraction and offset (RFC 8555, 7.1.3); INSTANT_NONE when absent or malformed. */
struct instant json_get_instant(const struct json *object, const char *key);

/* Elements of an array; 0 and NULL for anything else. */
size_t json_n(const struct json *array);
const struct json *json_at(const struct json *array, size_t i);
const char *json_text(const struct json *value); /* NULL when it is no text */

/* Calls `tell` for every member, in the order of the text; JSON's null is NULL here too. */
void json_each(const struct json *object,
	void (*tell)(const char *key, const struct json *value, void *data), void *data);

#endif
