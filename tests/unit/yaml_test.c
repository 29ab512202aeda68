/* SPDX-License-Identifier: MIT */
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/instant.h"
#include "lib/yaml/decode.h"
#include "tests/test.h"

static struct yaml_node parse(
	const char *text, size_t len, struct arena *arena, struct yaml_diags *diags)
{
	return yaml_parse(text, len, yaml_diags_file(diags, "f"), arena, diags);
}

/* What a text makes libyaml or us complain about, exactly. */
static const struct {
	const char *text, *want;
} cases[] = {
	{ "", "" },
	{ "# nothing\n", "" },
	{ "a: {b: [1, 2, {c: d}]}\n", "" },
	{ "a: 1\nb: 2\na: 3\n", "f:3:1: error: a: is given twice, first in line 1\n" },
	{ "x:\n  - y: {k: 1, 'k': 2}\n",
		"f:2:15: error: x[0].y.k: is given twice, first in line 2\n" },
	{ "a: &x 1\nb: *x\n", "f:1:4: error: a: anchors and aliases are not supported\n"
			      "f:2:4: error: b: anchors and aliases are not supported\n" },
	{ "a: !!int 1\n", "f:1:4: error: a: tags are not supported\n" },
	{ "a: 1\n---\nb: 2\n",
		"f:2:1: error: top: a second document in one file is not supported\n" },
	{ "a: \"x\\0y\"\n", "f:1:4: error: a: holds a NUL character\n" },
	{ "{[a]: 1}\n", "f:1:2: error: top: a list or a map cannot be a key\n" },
	{ "a: [1, 2\nb: 3\n",
		"f:2:2: error: syntax: while parsing a flow sequence, did not find "
		"expected ',' or ']'\n" },
	{ "a: 'x\n",
		"f:2:1: error: syntax: while scanning a quoted scalar, found unexpected end of "
		"stream\n" },
	{ "\ta: 1\n",
		"f:1:1: error: syntax: while scanning for the next token, found character that "
		"cannot start any token\n" },
	{ "a: 1\nb\xc3\xbc: \xff\n", "f:2:5: error: syntax: octet 0xff is not UTF-8\n" },
};

TEST(refused_texts)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct arena arena = ARENA_INIT;
		struct yaml_diags diags = { 0 };

		parse(cases[i].text, strlen(cases[i].text), &arena, &diags);
		yaml_diags_print(&diags, &out);
		CHECK_STR(buf_text(&out), cases[i].want);
		yaml_diags_done(&diags);
		arena_done(&arena);
	}
}

TEST(nul_octet)
{
	static const char text[] = "a: 1\nb: \0\n";
	struct buf out AUTO_BUF = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct yaml_diags diags = { 0 };
	struct yaml_node root = parse(text, sizeof(text) - 1, &arena, &diags);

	CHECK_INT(root.kind, NODE_BAD);
	yaml_diags_print(&diags, &out);
	CHECK_STR(buf_text(&out), "f:2:4: error: syntax: there is a NUL character\n");
	yaml_diags_done(&diags);
	arena_done(&arena);
}

TEST(depth_is_bounded)
{
	char text[200];

	for (size_t depth = 30; depth < 36; depth++) {
		struct arena arena = ARENA_INIT;
		struct yaml_diags diags = { 0 };

		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		parse(text, 2 * depth, &arena, &diags);
		CHECK_INT(diags.n_errors, depth > YAML_DEPTH_MAX);
		yaml_diags_done(&diags);
		arena_done(&arena);
	}
}

TEST(tree_and_places)
{
	static const char text[] = "one: 1\ntwo:\n  - \"x\"\n  - {k: ~}\nn:\n";
	struct arena arena = ARENA_INIT;
	struct yaml_diags diags = { 0 };
	struct yaml_node root = parse(text, sizeof(text) - 1, &arena, &diags);
	const struct yaml_node *two = yaml_get(&root, "two");

	REQUIRE(root.kind == NODE_MAP && root.n == 3 && two && two->kind == NODE_LIST &&
		two->n == 2);
	CHECK_STR(two->items[0].text, "x");
	CHECK(two->items[0].is_quoted);
	CHECK_INT(two->items[0].place.line, 3);
	CHECK_INT(two->items[0].place.column, 5);
	CHECK_INT(two->items[1].kind, NODE_MAP);
	CHECK(yaml_is_null(yaml_get(&two->items[1], "k")));
	CHECK(yaml_is_null(yaml_get(&root, "n")));
	CHECK(!yaml_get(&root, "three"));
	CHECK_INT(diags.n_errors, 0);
	yaml_diags_done(&diags);
	arena_done(&arena);
}

TEST(many_keys_twice)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct yaml_diags diags = { 0 };

	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "k%d: 1\n", i % 1500);
	parse(text.data, text.len, &arena, &diags);
	CHECK_INT(diags.n_errors, 1500);
	CHECK_INT(diags.n, DIAGS_MAX);
	buf_clear(&text);
	yaml_diags_print(&diags, &text);
	CHECK(strstr(
		buf_text(&text), "f:2500:1: error: top: 500 more mistakes are not shown\n"));
	yaml_diags_done(&diags);
	arena_done(&arena);
}

struct thing {
	struct duration wait;
	uint16_t count;
	int16_t offset;
	bool is_on;
	const char *text;
};

static const struct yaml_field thing_fields[] = {
	YAML_FIELD(struct thing, wait, yaml_duration, .min = 5, .max = 3600, .fallback = "1m"),
	YAML_FIELD(struct thing, count, yaml_uint16, .max = 100, .fallback = "7"),
	YAML_FIELD(struct thing, offset, yaml_int16, .min = -3, .max = 3),
	YAML_FIELD_AS("on", struct thing, is_on, yaml_bool, .help = "is it on"),
	YAML_FIELD(struct thing, text, yaml_string, .is_required = true),
	{ 0 },
};

static const struct {
	const char *text, *want;
} values[] = {
	{ "{text: x}", "" },
	{ "{wait: 1h, count: 100, offset: -3, on: true, text: \"~\"}", "" },
	{ "{}", "f:1:1: error: t: needs the key text\n" },
	{ "[]", "f:1:1: error: t: is a list, not a map\n" },
	{ "hello", "f:1:1: error: t: is a text, not a map\n" },
	{ "{text: x, wait: 30 days}",
		"f:1:17: error: t.wait: \"30 days\" is not a duration; write a "
		"number and one of s m h d w y\n" },
	{ "{text: x, wait: 4s}", "f:1:17: error: t.wait: 4s is too short; the least is 5s\n" },
	{ "{text: x, wait: 2h}", "f:1:17: error: t.wait: 2h is too long; the most is 1h\n" },
	{ "{text: x, wait: []}",
		"f:1:17: error: t.wait: is a list; write a duration such as 30d or 1h30m\n" },
	{ "{text: x, wait: }",
		"f:1:17: error: t.wait: is nothing; write a duration such as 30d or 1h30m\n" },
	{ "{text: x, count: 101}", "f:1:18: error: t.count: 101 is not between 0 and 100\n" },
	{ "{text: x, count: ten}", "f:1:18: error: t.count: \"ten\" is not a whole number\n" },
	{ "{text: x, on: yes}",
		"f:1:15: error: t.on: \"yes\" is not a truth value; write true or false\n" },
	{ "{text: '', cuont: 1, colour: 2}",
		"f:1:8: error: t.text: is empty; write a text\n"
		"f:1:12: error: t.cuont: is an unknown key; did you mean count?\n"
		"f:1:22: error: t.colour: is an unknown key\n" },
};

TEST(decode_tells_everything)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct arena arena = ARENA_INIT;
		struct yaml_diags diags = { 0 };
		struct yaml_decoder d = { .diags = &diags, .arena = &arena };
		struct yaml_path path = { .key = "t" };
		struct yaml_node root =
			parse(values[i].text, strlen(values[i].text), &arena, &diags);
		struct thing thing = { 0 };

		yaml_decode_fallbacks(&d, thing_fields, &thing);
		CHECK_INT(thing.wait.s, 60);
		CHECK_INT(thing.count, 7);
		yaml_decode(&d, &root, &path, thing_fields, &thing);
		yaml_diags_print(&diags, &out);
		CHECK_STR(buf_text(&out), values[i].want);
		if (strstr(values[i].text, "on: true")) {
			CHECK_INT(thing.wait.s, 3600);
			CHECK_INT(thing.count, 100);
			CHECK_INT(thing.offset, -3);
			CHECK(thing.is_on);
			CHECK_STR(thing.text, "~");
		}
		yaml_diags_done(&diags);
		arena_done(&arena);
	}
}

TEST(terminal_is_safe)
{
	static const char text[] = "\"a\\e[2J\\nb\": 1\n\"a\\e[2J\\nb\": 1\n";
	struct buf out AUTO_BUF = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct yaml_diags diags = { 0 };

	parse(text, sizeof(text) - 1, &arena, &diags);
	yaml_diags_print(&diags, &out);
	CHECK_STR(
		buf_text(&out), "f:2:1: error: a\\x1b[2J b: is given twice, first in line 1\n");
	yaml_diags_done(&diags);
	arena_done(&arena);
}
