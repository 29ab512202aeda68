/* SPDX-License-Identifier: MIT */
#include "lib/yaml/decode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/instant.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define FIELDS_MAX 64

void yaml_bad(struct yaml_decoder *d, const struct yaml_value *v, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	yaml_error(d->diags, v->node->place, v->path, "%s", text);
}

const char *yaml_text_of(struct yaml_decoder *d, const struct yaml_value *v, const char *wanted)
{
	const struct yaml_node *node = v->node;

	if (node->kind == NODE_SCALAR && !yaml_is_null(node) && node->n > 0)
		return node->text;
	if (node->kind == NODE_SCALAR && node->is_quoted)
		yaml_bad(d, v, "is empty; write %s", wanted);
	else if (node->kind != NODE_BAD)
		yaml_bad(d, v, "is %s; write %s", yaml_kind_text(node), wanted);
	return NULL;
}

const struct yaml_node *yaml_items_of(
	struct yaml_decoder *d, const struct yaml_value *v, const char *wanted, size_t *n)
{
	*n = 0;
	if (v->node->kind == NODE_LIST) {
		*n = v->node->n;
		return v->node->items;
	}
	if (v->node->kind != NODE_BAD)
		yaml_bad(d, v, "is %s; write %s", yaml_kind_text(v->node), wanted);
	return NULL;
}

void yaml_decode_nested(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	yaml_decode(d, v->node, v->path, v->field->type->fields, out);
}

int yaml_word_of(struct yaml_decoder *d, const struct yaml_value *v, const char *const *words)
{
	struct buf list AUTO_BUF = BUF_INIT;
	const char *text, *near;

	for (int i = 0; words[i]; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	text = yaml_text_of(d, v, buf_text(&list));
	if (!text)
		return -1;
	for (int i = 0; words[i]; i++)
		if (str_is(words[i], text))
			return i;
	near = str_near_miss(text, words);
	if (near)
		yaml_bad(d, v, "\"%.60s\" is unknown; did you mean %s?", text, near);
	else
		yaml_bad(d, v, "\"%.60s\" is unknown; write %s", text, buf_text(&list));
	return -1;
}

static void unknown_key(struct yaml_decoder *d, const struct yaml_node *key,
	const struct yaml_path *path, const struct yaml_field *fields)
{
	const char *names[FIELDS_MAX + 1] = { NULL }, *near;

	for (size_t i = 0; fields[i].name; i++)
		names[i] = fields[i].name;
	near = str_near_miss(key->text, names);
	if (near)
		yaml_error(d->diags, key->place, path, "is an unknown key; did you mean %s?",
			near);
	else
		yaml_error(d->diags, key->place, path, "is an unknown key");
}

static const struct yaml_field *find(const struct yaml_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (str_is(fields->name, name))
			return fields;
	return NULL;
}

uint64_t yaml_given(const struct yaml_field *fields, const char *name)
{
	const struct yaml_field *field = find(fields, name);

	assert(field && field - fields < FIELDS_MAX);
	return UINT64_C(1) << (field - fields);
}

/* Returns the value of the map's key `type`; NULL when no row has it. */
static const char *type_of(const struct yaml_node *map, const struct yaml_field *fields)
{
	const struct yaml_node *type = map->kind == NODE_MAP ? yaml_get(map, "type") : NULL;

	for (; type && type->kind == NODE_SCALAR && fields->name; fields++)
		if (fields->only && str_is(fields->only, type->text))
			return fields->only;
	return NULL;
}

static bool belongs(const struct yaml_field *field, const char *type)
{
	return !field->only || (type && str_is(field->only, type));
}

uint64_t yaml_decode(struct yaml_decoder *d, const struct yaml_node *node,
	const struct yaml_path *path, const struct yaml_field *fields, void *out)
{
	const char *type = type_of(node, fields);
	uint64_t given = 0;

	if (node->kind == NODE_BAD)
		return UINT64_MAX;
	if (node->kind != NODE_MAP && !yaml_is_null(node)) {
		yaml_error(
			d->diags, node->place, path, "is %s, not a map", yaml_kind_text(node));
		return UINT64_MAX;
	}
	for (uint32_t i = 0; node->kind == NODE_MAP && i < node->n; i++) {
		const struct yaml_node *key = &node->items[2 * i];
		struct yaml_path here = { .up = path, .key = key->text };
		struct yaml_value v = { .node = key + 1, .path = &here };

		v.field = find(fields, key->text);
		if (!v.field) {
			unknown_key(d, key, &here, fields);
			continue;
		}
		given |= UINT64_C(1) << (v.field - fields);
		if (type && !belongs(v.field, type)) {
			yaml_error(d->diags, key->place, &here,
				"belongs to type %s, but this is of type %s", v.field->only,
				type);
			continue;
		}
		v.field->type->decode(d, &v, (char *)out + v.field->offset);
	}
	for (const struct yaml_field *f = fields; f->name; f++)
		if (f->is_required && belongs(f, type) &&
			!(given & UINT64_C(1) << (f - fields)))
			yaml_error(d->diags, node->place, path, "needs the key %s", f->name);
	return given;
}

void yaml_decode_fallbacks(struct yaml_decoder *d, const struct yaml_field *fields, void *out)
{
	struct yaml_diags none = { 0 };
	struct yaml_decoder inner = { .diags = &none, .arena = d->arena, .world = d->world };
	struct arena arena = ARENA_INIT;
	uint16_t file = yaml_diags_file(&none, "table");

	for (; fields->name; fields++) {
		struct yaml_path path = { .key = fields->name };
		struct yaml_value v = { .path = &path, .field = fields };
		struct yaml_node node;

		if (fields->type->decode == yaml_decode_nested)
			yaml_decode_fallbacks(
				d, fields->type->fields, (char *)out + fields->offset);
		if (!fields->fallback)
			continue;
		node = yaml_parse(
			fields->fallback, strlen(fields->fallback), file, &arena, &none);
		v.node = &node;
		fields->type->decode(&inner, &v, (char *)out + fields->offset);
	}
	assert(none.n_errors == 0);
	yaml_diags_done(&none);
	arena_done(&arena);
}

/* YAML 1.2 has these two words; others of YAML 1.1 are not accepted. */
static void decode_bool(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "true or false");

	if (!text)
		return;
	if (str_is(text, "true") && !v->node->is_quoted)
		*(bool *)out = true;
	else if (str_is(text, "false") && !v->node->is_quoted)
		*(bool *)out = false;
	else
		yaml_bad(d, v, "\"%.40s\" is not a truth value; write true or false", text);
}

static void decode_duration(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a duration such as 30d or 1h30m");
	char low[DURATION_TEXT_LEN], high[DURATION_TEXT_LEN];
	struct duration value;
	struct err err = ERR_INIT;

	if (!text)
		return;
	if (duration_parse(text, &value, &err) < 0)
		yaml_bad(d, v, "%s", err.text);
	else if (value.s < v->field->min)
		yaml_bad(d, v, "%.40s is too short; the least is %s", text,
			duration_text(SECONDS(v->field->min), low));
	else if (v->field->max && value.s > v->field->max)
		yaml_bad(d, v, "%.40s is too long; the most is %s", text,
			duration_text(SECONDS(v->field->max), high));
	else
		*(struct duration *)out = value;
}

static bool number_of(struct yaml_decoder *d, const struct yaml_value *v, int64_t *out)
{
	const char *text = yaml_text_of(d, v, "a whole number");

	if (!text)
		return false;
	if (str_to_int(text, v->field->min, v->field->max, out))
		return true;
	if (str_to_int(text, INT64_MIN, INT64_MAX, out))
		yaml_bad(d, v, "%.40s is not between %" PRId64 " and %" PRId64, text,
			v->field->min, v->field->max);
	else
		yaml_bad(d, v, "\"%.40s\" is not a whole number", text);
	return false;
}

static void decode_uint16(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	int64_t n;

	if (number_of(d, v, &n))
		*(uint16_t *)out = (uint16_t)n;
}

static void decode_int16(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	int64_t n;

	if (number_of(d, v, &n))
		*(int16_t *)out = (int16_t)n;
}

static void decode_string(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a text");

	if (text)
		*(const char **)out = arena_strndup(d->arena, text, v->node->n);
}

const struct yaml_type yaml_bool = {
	.word = "true or false",
	.json = "\"type\": \"boolean\"",
	.size = sizeof(bool),
	.decode = decode_bool,
};

const struct yaml_type yaml_duration = {
	.word = "duration",
	.json = "\"type\": [\"string\", \"integer\"], "
		"\"pattern\": \"^([0-9]+[ywdhms])+$|^0$\"",
	.size = sizeof(struct duration),
	.decode = decode_duration,
};

const struct yaml_type yaml_uint16 = {
	.word = "number",
	.json = "\"type\": \"integer\"",
	.size = sizeof(uint16_t),
	.decode = decode_uint16,
};

const struct yaml_type yaml_int16 = {
	.word = "number",
	.json = "\"type\": \"integer\"",
	.size = sizeof(int16_t),
	.decode = decode_int16,
};

const struct yaml_type yaml_string = {
	.word = "text",
	.json = "\"type\": \"string\", \"minLength\": 1",
	.size = sizeof(const char *),
	.decode = decode_string,
};
