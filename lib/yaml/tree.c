/* SPDX-License-Identifier: MIT */
#include "lib/yaml/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Up to this size duplicate keys are searched one by one. */
#define SMALL_MAP 12

/* An open list or map: its node, and the index of its first item on the stack. */
struct frame {
	struct yaml_node node;
	size_t first;
};

struct builder {
	yaml_parser_t parser;
	struct yaml_diags *diags;
	struct arena *arena;
	struct yaml_node *stack; /* items of all open frames, innermost last */
	size_t n_stack, size;
	struct frame frames[YAML_DEPTH_MAX];
	size_t depth;
	uint16_t file;
	bool has_document, has_failed;
};

static struct yaml_place place_of(const struct builder *b, const yaml_mark_t *mark)
{
	return (struct yaml_place){ .line = (uint32_t)mark->line + 1,
		.column = mark->column < UINT16_MAX ? (uint16_t)(mark->column + 1) : UINT16_MAX,
		.file = b->file };
}

/*
 * State: a builder lives for one yaml_parse(). libyaml's events open a frame, add items to the
 * stack and close the frame, which moves its items from the stack to the arena. `frames` has
 * one entry for each open list or map. yaml_parse() frees the stack; nodes live in the caller's
 * arena.
 *
 * Returns the path into the innermost of the first `depth` open frames, as a chain in `path`:
 * for each map the key whose value is being read, for each list the index.
 */
static const struct yaml_path *path_of(
	const struct builder *b, size_t depth, struct yaml_path path[YAML_DEPTH_MAX])
{
	const struct yaml_path *up = NULL;

	for (size_t i = 0; i < depth; i++) {
		const struct frame *f = &b->frames[i];
		size_t end = i + 1 < b->depth ? b->frames[i + 1].first : b->n_stack;
		size_t n = end - f->first;

		path[i] = (struct yaml_path){ .up = up, .index = n };
		if (f->node.kind == NODE_MAP) {
			if (n % 2 == 0 || b->stack[end - 1].kind != NODE_SCALAR)
				break;
			path[i].key = b->stack[end - 1].text;
		}
		up = &path[i];
	}
	return up;
}

static void tell(struct builder *b, struct yaml_place place, const char *sentence)
{
	struct yaml_path path[YAML_DEPTH_MAX];

	yaml_error(b->diags, place, path_of(b, b->depth, path), "%s", sentence);
}

static void push(struct builder *b, struct yaml_node node)
{
	if (b->n_stack == b->size) {
		b->size = b->size ? b->size * 2 : 256;
		b->stack = mem_grow(b->stack, b->size, sizeof(*b->stack));
	}
	b->stack[b->n_stack++] = node;
}

static void open_frame(struct builder *b, struct yaml_place place, uint8_t kind)
{
	if (b->depth == YAML_DEPTH_MAX) {
		tell(b, place, "is nested too deeply");
		b->has_failed = true;
		return;
	}
	b->frames[b->depth++] =
		(struct frame){ .node = { .place = place, .kind = kind }, .first = b->n_stack };
}

static void tell_twice(
	struct builder *b, const struct yaml_node *again, const struct yaml_node *first)
{
	struct yaml_path path[YAML_DEPTH_MAX], last = { .key = again->text };

	last.up = path_of(b, b->depth - 1, path);
	yaml_error(b->diags, again->place, &last, "is given twice, first in line %u",
		first->place.line);
}

/* Drops entries with a key that was given before, and returns the number of the rest. */
static uint32_t drop_twice(struct builder *b, struct yaml_node *items, uint32_t n)
{
	struct map seen = { 0 };
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct yaml_node *key = &items[2 * i], *first = NULL;

		if (key->kind != NODE_SCALAR)
			continue;
		if (n > SMALL_MAP)
			first = map_get(&seen, key->text);
		else
			for (uint32_t j = 0; j < kept && !first; j++)
				if (str_is(items[2 * j].text, key->text))
					first = &items[2 * j];
		if (first) {
			tell_twice(b, key, first);
			continue;
		}
		memmove(&items[2 * kept], key, 2 * sizeof(*items));
		if (n > SMALL_MAP)
			map_set(&seen, items[2 * kept].text, &items[2 * kept]);
		kept++;
	}
	map_done(&seen);
	return kept;
}

static void close_frame(struct builder *b)
{
	struct frame *f = &b->frames[b->depth - 1];
	struct yaml_node node = f->node;
	size_t n = b->n_stack - f->first;

	node.items = arena_zalloc(b->arena, n * sizeof(*node.items));
	if (n)
		memcpy(node.items, b->stack + f->first, n * sizeof(*node.items));
	node.n = (uint32_t)n;
	if (node.kind == NODE_MAP)
		node.n = drop_twice(b, node.items, (uint32_t)(n / 2));
	b->n_stack = f->first;
	b->depth--;
	push(b, node);
}

static bool is_at_key(const struct builder *b)
{
	const struct frame *f = b->depth ? &b->frames[b->depth - 1] : NULL;

	return f && f->node.kind == NODE_MAP && (b->n_stack - f->first) % 2 == 0;
}

/* Anchors and tags do not change the value, so decoding goes on after the error. */
static void refuse_marks(struct builder *b, struct yaml_place place, const yaml_char_t *anchor,
	const yaml_char_t *tag)
{
	if (anchor)
		tell(b, place, "anchors and aliases are not supported");
	if (tag)
		tell(b, place, "tags are not supported");
}

static void add_scalar(struct builder *b, struct yaml_place place, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct yaml_node node = { .place = place, .kind = NODE_SCALAR };

	refuse_marks(b, place, event->data.scalar.anchor, event->data.scalar.tag);
	if (memchr(text, 0, len)) {
		tell(b, place, "holds a NUL character");
		node.kind = NODE_BAD;
		push(b, node);
		return;
	}
	node.is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node.text = arena_strndup(b->arena, text, len);
	node.n = (uint32_t)len;
	push(b, node);
}

static void start_collection(struct builder *b, struct yaml_place place, uint8_t kind,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	refuse_marks(b, place, anchor, tag);
	if (is_at_key(b)) {
		tell(b, place, "a list or a map cannot be a key");
		b->has_failed = true;
		return;
	}
	open_frame(b, place, kind);
}

static void add_alias(struct builder *b, struct yaml_place place)
{
	tell(b, place, "anchors and aliases are not supported");
	push(b, (struct yaml_node){ .place = place, .kind = NODE_BAD });
}

static void start_document(struct builder *b, struct yaml_place place)
{
	if (b->has_document) {
		tell(b, place, "a second document in one file is not supported");
		b->has_failed = true;
	}
	b->has_document = true;
}

static void take_event(struct builder *b, const yaml_event_t *event)
{
	struct yaml_place place = place_of(b, &event->start_mark);

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		start_document(b, place);
		break;
	case YAML_SCALAR_EVENT:
		add_scalar(b, place, event);
		break;
	case YAML_ALIAS_EVENT:
		add_alias(b, place);
		break;
	case YAML_SEQUENCE_START_EVENT:
		start_collection(b, place, NODE_LIST, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		start_collection(b, place, NODE_MAP, event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_frame(b);
		break;
	default:
		break;
	}
}

static void tell_syntax(struct builder *b)
{
	static const struct yaml_path path = { .key = "syntax" };
	const yaml_parser_t *p = &b->parser;
	struct yaml_place place = place_of(b, &p->problem_mark);

	if (p->context)
		yaml_error(b->diags, place, &path, "%s, %s", p->context,
			p->problem ? p->problem : "it is not YAML");
	else
		yaml_error(b->diags, place, &path, "%s",
			p->problem ? p->problem : "it is not YAML");
	b->has_failed = true;
}

static void run(struct builder *b)
{
	for (bool is_over = false; !is_over && !b->has_failed;) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event)) {
			if (b->parser.error == YAML_MEMORY_ERROR)
				mem_exhausted();
			tell_syntax(b);
			return;
		}
		take_event(b, &event);
		is_over = event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT;
		yaml_event_delete(&event);
	}
}

/* The index of the first octet that is NUL or not UTF-8, or `len`. */
static size_t find_foreign(const char *data, size_t len)
{
	size_t at = 0;

	if (str_is_utf8(data, len))
		return len;
	while (at < len) {
		size_t n = 1;

		while (n <= 4 && at + n <= len && !str_is_utf8(data + at, n))
			n++;
		if (n > 4 || at + n > len)
			break;
		at += n;
	}
	return at;
}

static bool refuse_foreign(struct builder *b, const char *data, size_t len)
{
	static const struct yaml_path path = { .key = "syntax" };
	struct yaml_place place = { .line = 1, .column = 1, .file = b->file };
	size_t at = find_foreign(data, len), column = 1;

	if (at == len)
		return false;
	for (size_t i = 0; i < at; i++) {
		if (data[i] == '\n')
			place.line++, column = 1;
		else if (((unsigned char)data[i] & 0xc0) != 0x80)
			column++;
	}
	place.column = column < UINT16_MAX ? (uint16_t)column : UINT16_MAX;
	if (data[at])
		yaml_error(b->diags, place, &path, "octet 0x%02x is not UTF-8",
			(unsigned char)data[at]);
	else
		yaml_error(b->diags, place, &path, "there is a NUL character");
	return true;
}

struct yaml_node yaml_parse(const char *data, size_t len, uint16_t file, struct arena *arena,
	struct yaml_diags *diags)
{
	struct builder b = { .diags = diags, .arena = arena, .file = file };
	struct yaml_node root = { .place = { 1, 1, file }, .kind = NODE_BAD };

	assert(len < UINT32_MAX);
	if (refuse_foreign(&b, data, len))
		return root;
	if (!yaml_parser_initialize(&b.parser))
		mem_exhausted();
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)data, len);
	run(&b);
	yaml_parser_delete(&b.parser);
	if (!b.has_failed && b.n_stack)
		root = b.stack[0];
	else if (!b.has_failed)
		root.kind = NODE_MAP;
	free(b.stack);
	return root;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (map->kind != NODE_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->n; i++)
		if (str_is(map->items[2 * i].text, key))
			return &map->items[2 * i + 1];
	return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
	return node->kind == NODE_SCALAR && !node->is_quoted &&
	       (node->n == 0 || str_is(node->text, "~") || str_is(node->text, "null"));
}

const char *yaml_kind_text(const struct yaml_node *node)
{
	switch ((enum node_kind)node->kind) {
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	default:
		return yaml_is_null(node) ? "nothing" : "a text";
	}
}
