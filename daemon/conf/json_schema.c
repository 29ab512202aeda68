/* SPDX-License-Identifier: MIT */
/* The tables as a JSON Schema (draft 2020-12), for editors. */
#include "daemon/conf/schema.h"

#include "lib/base/buf.h"
#include "lib/base/str.h"

static void indent(struct buf *out, int depth)
{
	buf_add_char(out, '\n');
	for (int i = 0; i < depth; i++)
		buf_add_text(out, "  ");
}

static void add_fields(struct buf *out, const struct yaml_field *fields, int depth);

/* The members that say what a value looks like. */
static void add_type(struct buf *out, const struct yaml_type *type, int depth)
{
	if (type->json) {
		buf_add_text(out, type->json);
		return;
	}
	buf_add_text(out, "\"type\": [\"object\", \"null\"],");
	indent(out, depth);
	if (type->entry) {
		buf_add_text(out, "\"additionalProperties\": {");
		indent(out, depth + 1);
		add_type(out, type->of, depth + 1);
		indent(out, depth);
		buf_add_text(out, "}");
		return;
	}
	add_fields(out, type->fields, depth);
}

static void add_field(struct buf *out, const struct yaml_field *field, int depth)
{
	buf_add_json(out, field->name);
	buf_add_text(out, ": {");
	indent(out, depth + 1);
	buf_add_text(out, "\"description\": ");
	buf_add_json(out, field->help);
	buf_add_char(out, ',');
	if (field->type == &yaml_uint16 || field->type == &yaml_int16) {
		indent(out, depth + 1);
		buf_printf(out, "\"minimum\": %lld, \"maximum\": %lld,", (long long)field->min,
			(long long)field->max);
	}
	indent(out, depth + 1);
	add_type(out, field->type, depth + 1);
	indent(out, depth);
	buf_add_char(out, '}');
}

/* The names of required rows of one type; NULL: of those that belong to all. */
static void add_required(
	struct buf *out, const struct yaml_field *fields, const char *only, int depth)
{
	size_t n = 0;

	for (const struct yaml_field *f = fields; f->name; f++)
		if (f->is_required && (only ? f->only && str_is(f->only, only) : !f->only)) {
			if (!n)
				indent(out, depth);
			buf_add_text(out, n++ ? ", " : "\"required\": [");
			buf_add_json(out, f->name);
		}
	if (n)
		buf_add_text(out, "],");
}

/* Of the given type: what it requires, and that it has no row of another one. */
static void add_case(
	struct buf *out, const struct yaml_field *fields, const char *only, int depth)
{
	size_t n = 0;

	buf_printf(out,
		"{\"if\": {\"required\": [\"type\"], \"properties\": {\"type\": "
		"{\"const\": \"%s\"}}},",
		only);
	indent(out, depth);
	buf_add_text(out, "\"then\": {");
	add_required(out, fields, only, depth + 1);
	indent(out, depth + 1);
	buf_add_text(out, "\"properties\": {");
	for (const struct yaml_field *f = fields; f->name; f++)
		if (f->only && !str_is(f->only, only)) {
			buf_add_text(out, n++ ? ", " : "");
			buf_add_json(out, f->name);
			buf_add_text(out, ": false");
		}
	buf_add_text(out, "}}}");
}

static bool is_first_of_type(const struct yaml_field *fields, const struct yaml_field *field)
{
	for (const struct yaml_field *f = fields; f < field; f++)
		if (f->only && str_is(f->only, field->only))
			return false;
	return true;
}

/* A table whose rows depend on the key `type` says so by cases. */
static void add_cases(struct buf *out, const struct yaml_field *fields, int depth)
{
	size_t n = 0;

	for (const struct yaml_field *f = fields; f->name; f++)
		if (f->only && is_first_of_type(fields, f)) {
			if (!n)
				indent(out, depth);
			buf_add_text(out, n++ ? "," : "\"allOf\": [");
			indent(out, depth + 1);
			add_case(out, fields, f->only, depth + 2);
		}
	if (n)
		buf_add_text(out, "],");
}

static void add_fields(struct buf *out, const struct yaml_field *fields, int depth)
{
	buf_add_text(out, "\"additionalProperties\": false,");
	add_required(out, fields, NULL, depth);
	add_cases(out, fields, depth);
	indent(out, depth);
	buf_add_text(out, "\"properties\": {");
	for (const struct yaml_field *f = fields; f->name; f++) {
		indent(out, depth + 1);
		add_field(out, f, depth + 1);
		if (f[1].name)
			buf_add_char(out, ',');
	}
	indent(out, depth);
	buf_add_char(out, '}');
}

void conf_schema(struct buf *out)
{
	buf_add_char(out, '{');
	indent(out, 1);
	buf_add_text(out, "\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",");
	indent(out, 1);
	buf_add_text(out, "\"title\": \"certd.yaml\",");
	indent(out, 1);
	buf_add_text(out, "\"type\": [\"object\", \"null\"],");
	indent(out, 1);
	add_fields(out, conf_top_fields, 1);
	buf_add_text(out, "\n}\n");
}
