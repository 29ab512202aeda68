/* SPDX-License-Identifier: MIT */
#include "daemon/conf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/expand.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

static struct loading *world_of(struct yaml_decoder *d)
{
	return d->world;
}

struct yaml_value conf_item(const struct yaml_value *v, struct yaml_path *path,
	const struct yaml_node *items, size_t i)
{
	*path = (struct yaml_path){ .up = v->path, .index = i };
	return (struct yaml_value){ .node = &items[i], .path = path, .field = v->field };
}

const char *conf_absolute(
	struct yaml_decoder *d, const struct yaml_node *node, const char *text)
{
	const char *file = yaml_diags_name(d->diags, node->place.file);
	const char *slash = strrchr(file, '/');

	if (text[0] == '/' || !slash)
		return arena_strdup(d->arena, text);
	while (str_starts(text, "./"))
		text += 2;
	return arena_printf(d->arena, "%.*s/%s", (int)(slash - file), file, text);
}

struct yaml_place conf_place_in(
	const struct yaml_node *map, const char *key, struct yaml_place otherwise)
{
	const struct yaml_node *node = map ? yaml_get(map, key) : NULL;

	return node ? node->place : otherwise;
}

/* Where a word such as %{zone} stands for something, the type is another. */
static bool has_no_words(struct yaml_decoder *d, const struct yaml_value *v, const char *text)
{
	const char *word = strstr(text, "%{");

	if (word)
		yaml_bad(d, v, "%.*s means nothing in this path",
			(int)strcspn(word, "}") + (strchr(word, '}') != NULL), word);
	return !word;
}

static void decode_path(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	const char *text = yaml_text_of(d, v, "a path"), *folder;

	if (!text || !has_no_words(d, v, text))
		return;
	if (!str_starts(text, "credential:")) {
		*(const char **)out = conf_absolute(d, v->node, text);
		return;
	}
	text += strlen("credential:");
	folder = machine_credentials(world_of(d)->files, &world_of(d)->arena);
	if (!*text || strchr(text, '/') || text[0] == '.')
		yaml_bad(d, v, "\"%.60s\" is not the name of a credential", text);
	else if (!folder)
		yaml_bad(d, v,
			"names the credential %.60s, but $CREDENTIALS_DIRECTORY is not set; "
			"the unit "
			"needs LoadCredential=%.60s:PATH",
			text, text);
	else
		*(const char **)out = arena_printf(d->arena, "%s/%s", folder, text);
}

bool conf_texts(struct yaml_decoder *d, const struct yaml_value *v, const char *wanted,
	struct words *out)
{
	size_t n;
	const struct yaml_node *items = yaml_items_of(d, v, wanted, &n);
	struct words words = { 0 };
	bool is_good = items != NULL;

	if (!items)
		return false;
	words.at = n ? arena_zalloc(d->arena, n * sizeof(*words.at)) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, items, i);
		const char *text = items[i].kind == NODE_SCALAR && items[i].is_quoted
					   ? items[i].text
					   : yaml_text_of(d, &item, "a text");

		if (text)
			words.at[words.n++] = arena_strdup(d->arena, text);
		is_good = is_good && text;
	}
	*out = words;
	return is_good;
}

static void decode_words(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	conf_texts(d, v, "a list", out);
}

static void decode_paths(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct words words = { 0 };

	if (!conf_texts(d, v, "a list of paths", &words))
		return;
	for (size_t i = 0; i < words.n; i++) {
		const char *full = conf_absolute(d, &v->node->items[i], words.at[i]);
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, v->node->items, i);

		if (!has_no_words(d, &item, words.at[i]))
			return;
		words.at[i] = arena_strdup(d->arena, full);
		for (size_t j = 0; j < i; j++)
			if (str_is(words.at[i], words.at[j])) {
				yaml_bad(d, v, "names %.200s twice", full);
				return;
			}
	}
	*(struct words *)out = words;
}

static void decode_command(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct words words = { 0 };

	if (!conf_texts(
		    d, v, "a list of words: [PROGRAM, ARGUMENT]; there is no shell", &words))
		return;
	if (words.n && !*words.at[0]) {
		yaml_bad(d, v, "has an empty word as its program");
		return;
	}
	for (size_t i = 0; i < words.n; i++) {
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, v->node->items, i);
		struct err err = ERR_INIT;

		if (expand_check(words.at[i], &err) < 0)
			yaml_bad(d, &item, "%s", err.text);
	}
	*(struct words *)out = words;
}

static void decode_principals(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	struct words words = { 0 };
	struct principals all = { 0 };

	if (!conf_texts(d, v, "a list of users and @groups", &words))
		return;
	all.at = words.n ? arena_zalloc(d->arena, words.n * sizeof(*all.at)) : NULL;
	for (size_t i = 0; i < words.n; i++) {
		struct principal *p = &all.at[all.n++];
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, v->node->items, i);

		p->is_group = words.at[i][0] == '@';
		p->name = words.at[i] + p->is_group;
		p->is_known = p->is_group ? machine_group(world_of(d)->files, p->name, &p->id)
					  : machine_user(world_of(d)->files, p->name, &p->id);
		if (!p->is_known)
			yaml_warn(d->diags, item.node->place, item.path,
				"there is no %s %.60s; it matches nobody",
				p->is_group ? "group" : "user", p->name);
	}
	*(struct principals *)out = all;
}

size_t reference_count(const struct yaml_node *node)
{
	if (!node)
		return 0;
	return node->kind == NODE_LIST ? node->n : node->kind == NODE_SCALAR;
}

const struct yaml_node *reference_at(const struct yaml_node *node, size_t i)
{
	return node->kind == NODE_LIST ? &node->items[i] : node;
}

static void decode_reference(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	if (yaml_text_of(d, v, "a name"))
		*(const struct yaml_node **)out = v->node;
}

static void decode_references(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	bool is_good = true;

	if (v->node->kind != NODE_LIST) {
		decode_reference(d, v, out);
		return;
	}
	if (v->node->n > REFERENCES_MAX) {
		yaml_bad(d, v, "has %u names; the most is %d", v->node->n, REFERENCES_MAX);
		return;
	}
	for (size_t i = 0; i < v->node->n; i++) {
		struct yaml_path path;
		struct yaml_value item = conf_item(v, &path, v->node->items, i);
		const char *text = yaml_text_of(d, &item, "a name");

		is_good = is_good && text;
		for (size_t j = 0; text && is_good && j < i; j++)
			if (str_is(text, v->node->items[j].text)) {
				yaml_bad(d, &item, "%.80s is named twice", text);
				is_good = false;
			}
	}
	if (is_good)
		*(const struct yaml_node **)out = v->node;
}

void conf_keep_map(struct yaml_decoder *d, const struct yaml_value *v, void *out)
{
	if (v->node->kind == NODE_MAP)
		*(const struct yaml_node **)out = v->node;
	else if (v->node->kind != NODE_BAD && !yaml_is_null(v->node))
		yaml_bad(d, v, "is %s, not a map", yaml_kind_text(v->node));
}

#define TEXT_JSON "\"type\": \"string\", \"minLength\": 1"
#define TEXTS_JSON "\"type\": \"array\", \"items\": {\"type\": \"string\"}"

const struct yaml_type conf_path = {
	.word = "path",
	.json = TEXT_JSON,
	.size = sizeof(const char *),
	.decode = decode_path,
};

const struct yaml_type conf_paths = {
	.word = "list of paths",
	.json = TEXTS_JSON,
	.size = sizeof(struct words),
	.decode = decode_paths,
};

const struct yaml_type conf_words = {
	.word = "list",
	.json = TEXTS_JSON,
	.size = sizeof(struct words),
	.decode = decode_words,
};

const struct yaml_type conf_command = {
	.word = "command",
	.json = TEXTS_JSON,
	.size = sizeof(struct words),
	.decode = decode_command,
};

const struct yaml_type conf_principals = {
	.word = "list of users and @groups",
	.json = TEXTS_JSON,
	.size = sizeof(struct principals),
	.decode = decode_principals,
};

const struct yaml_type conf_reference = {
	.word = "name",
	.json = TEXT_JSON,
	.size = sizeof(const struct yaml_node *),
	.decode = decode_reference,
};

const struct yaml_type conf_references = {
	.word = "name or list of names",
	.json = "\"type\": [\"string\", \"array\"], \"items\": {\"type\": \"string\"}",
	.size = sizeof(const struct yaml_node *),
	.decode = decode_references,
};
