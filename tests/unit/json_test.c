/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/json/json.h"

static int read_text(const char *text, struct json **out, struct err *err)
{
	*err = (struct err)ERR_INIT;
	return json_read(text, strlen(text), out, err);
}

TEST(what_is_json)
{
	static const struct {
		const char *text;
		bool is_fine;
	} rows[] = {
		{ "{}", true },
		{ "[]", true },
		{ " {\"a\": [1, 2.5, true, null, \"x\"]} \n", true },
		{ "{\"a\":\"\\u00e4\\ud83d\\ude00\"}", true },
		{ "{\"a\":\"\xc3\xa4\"}", true },
		{ "", false },
		{ " ", false },
		{ "1", false },
		{ "\"a\"", false },
		{ "null", false },
		{ "{", false },
		{ "{}}", false },
		{ "{} x", false },
		{ "{'a':1}", false },
		{ "{\"a\":1,}", false },
		{ "{\"a\" 1}", false },
		{ "{\"a\":1,\"a\":1}", false },
		{ "{\"a\":{\"b\":1,\"b\":2}}", false },
		{ "{\"a\":\"\\u0000\"}", false },
		{ "{\"\\u0000\":1}", false },
		{ "{\"a\":\"\xff\"}", false },
		{ "{\"a\":\"\xed\xa0\x80\"}", false },
		{ "{\"a\":\"\\ud800\"}", false },
		{ "{\"a\":\"\n\"}", false },
		{ "{\"a\":01}", false },
		{ "{\"a\":99999999999999999999}", false },
		{ "{\"a\":1e999}", false },
		{ "\xef\xbb\xbf{}", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *root AUTO_JSON = NULL;
		struct err err;
		int r = read_text(rows[i].text, &root, &err);

		if ((r == 0) != rows[i].is_fine || (r == 0) != (root != NULL) ||
			err.code != (r == 0 ? ERR_NONE : ERR_BAD_VALUE))
			TEST_FAIL("%s: %d %s", rows[i].text, r, err.text);
	}
}

TEST(a_byte_of_zero_is_refused)
{
	struct json *root = NULL;
	struct err err = ERR_INIT;

	CHECK_INT(json_read("{\"a\":\"x\0\"}", 10, &root, &err), -1);
	CHECK_INT(json_read("{}\0", 3, &root, &err), -1);
	CHECK(!root);
}

/* `n` times `open`, then `n` times `close`. */
static enum err_code nested(size_t n, const char *open, const char *middle, const char *close)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct json *root AUTO_JSON = NULL;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		buf_add_text(&text, open);
	buf_add_text(&text, middle);
	for (size_t i = 0; i < n; i++)
		buf_add_text(&text, close);
	return json_read(text.data, text.len, &root, &err) < 0 ? err.code : ERR_NONE;
}

TEST(bounds)
{
	char *big = mem_zalloc(JSON_MAX + 2);
	struct json *root AUTO_JSON = NULL;
	struct err err = ERR_INIT;

	CHECK_INT(nested(JSON_DEPTH_MAX, "[", "", "]"), ERR_NONE);
	CHECK_INT(nested(JSON_DEPTH_MAX + 1, "[", "", "]"), ERR_TOO_LARGE);
	CHECK_INT(nested(JSON_DEPTH_MAX - 1, "{\"a\":", "{}", "}"), ERR_NONE);
	CHECK_INT(nested(100000, "[", "", "]"), ERR_TOO_LARGE);
	CHECK_INT(nested(100000, "[", "", ""), ERR_TOO_LARGE);
	/* Brackets within texts are no containers, also behind quoted quotes. */
	CHECK_INT(nested(1, "[", "\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[\"", "]"),
		ERR_NONE);
	CHECK_INT(nested(1, "[", "\"\\\\\",[]", "]"), ERR_NONE);

	memset(big, ' ', JSON_MAX + 1);
	memcpy(big, "{}", 2);
	CHECK_INT(json_read(big, JSON_MAX, &root, &err), 0);
	json_free(mem_take(&root));
	CHECK_INT(json_read(big, JSON_MAX + 1, &root, &err), -1);
	CHECK_INT(err.code, ERR_TOO_LARGE);
	big[0] = '[';
	for (size_t i = 0; i < JSON_CONTAINERS_MAX; i++)
		memcpy(big + 1 + 3 * i, "{},", 3);
	memcpy(big + 3 * JSON_CONTAINERS_MAX, "]", 1);
	CHECK_INT(json_read(big, JSON_MAX, &root, &err), -1);
	CHECK_INT(err.code, ERR_TOO_LARGE);
	free(big);
}

struct told {
	char keys[16];
	size_t n;
};

static void tell(const char *key, const struct json *value, void *data)
{
	struct told *told = data;

	CHECK((value == NULL) == (*key == 'n'));
	told->keys[told->n++] = *key;
}

TEST(what_is_absent_or_of_another_type_is_nothing)
{
	struct json *root AUTO_JSON = NULL;
	struct told told = { "", 0 };
	const struct json *list;
	struct err err;

	REQUIRE(read_text("{\"z\":\"text\",\"b\":true,\"i\":-7,\"r\":1.0,\"n\":null,"
			  "\"l\":[\"x\",{\"y\":\"deep\"},null],\"a\":\"\"}",
			&root, &err) == 0);
	CHECK(json_is_object(root) && !json_is_array(root));
	CHECK_STR(json_get_text(root, "z"), "text");
	CHECK_STR(json_get_text(root, "a"), "");
	CHECK(!json_get_text(root, "b") && !json_get_text(root, "n") && !json_get(root, "n"));
	CHECK(!json_get(root, "nothing") && !json_get_text(NULL, "z") && !json_get(NULL, "z"));
	CHECK(json_get_bool(root, "b", false) && json_get_bool(root, "z", true));
	CHECK(!json_get_bool(root, "nothing", false) && json_get_bool(NULL, "b", true));
	CHECK_INT(json_get_int(root, "i", 5), -7);
	CHECK_INT(json_get_int(root, "r", 5), 5);
	CHECK_INT(json_get_int(root, "z", 5), 5);
	list = json_get(root, "l");
	CHECK(json_is_array(list) && !json_is_object(list));
	CHECK_INT(json_n(list), 3);
	CHECK_STR(json_text(json_at(list, 0)), "x");
	CHECK_STR(json_get_text(json_at(list, 1), "y"), "deep");
	CHECK(!json_at(list, 2) && !json_at(list, 3) && !json_get(list, "x"));
	CHECK_INT(json_n(root), 0);
	CHECK_INT(json_n(NULL), 0);
	CHECK(!json_at(NULL, 0) && !json_text(NULL) && !json_is_object(NULL));
	json_each(root, tell, &told);
	CHECK_STR(told.keys, "zbirnla");
	json_each(list, tell, &told);
	CHECK_INT(told.n, 7);
}

TEST(instants)
{
	static const struct {
		const char *text;
		int64_t s;
	} rows[] = {
		{ "2026-11-21T10:15:00Z", 1795256100 },
		{ "2026-11-21t10:15:00z", 1795256100 },
		{ "2026-11-21T10:15:00.999999999Z", 1795256100 },
		{ "2026-11-21T10:15:00.0+00:00", 1795256100 },
		{ "2026-11-21T12:15:00+02:00", 1795256100 },
		{ "2026-11-21T04:45:00-05:30", 1795256100 },
		{ "2026-11-22T00:14:00+13:59", 1795256100 },
		{ "2016-12-31T23:59:60Z", 1483228800 },
		{ "2026-11-21T10:15:00", 0 },
		{ "2026-11-21 10:15:00Z", 0 },
		{ "2026-11-21T10:15:00.Z", 0 },
		{ "2026-11-21T10:15:00,5Z", 0 },
		{ "2026-11-21T10:15Z", 0 },
		{ "2026-11-21T10:15:00+2:00", 0 },
		{ "2026-11-21T10:15:00+0200", 0 },
		{ "2026-11-21T10:15:00+24:00", 0 },
		{ "2026-11-21T10:15:00Zx", 0 },
		{ "2026-02-29T10:15:00Z", 0 },
		{ "2026-13-01T10:15:00Z", 0 },
		{ "0001-01-01T00:00:00Z", 0 },
		{ "2026-11-21T10:15:61Z", 0 },
		{ "", 0 },
		{ "never", 0 },
		{ "-", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text AUTO_BUF = BUF_INIT;
		struct json *root AUTO_JSON = NULL;
		struct err err;

		buf_printf(&text, "{\"at\":\"%s\"}", rows[i].text);
		REQUIRE(read_text(buf_text(&text), &root, &err) == 0);
		if (json_get_instant(root, "at").s != rows[i].s)
			TEST_FAIL("%s: %" PRId64, rows[i].text, json_get_instant(root, "at").s);
		CHECK_INT(json_get_instant(root, "other").s, 0);
	}
}

/* Whatever is written reads back. */
TEST(quotes)
{
	static const char *const rows[] = { "", "plain", "a\"b\\c/", "\x01\n\t\x1f\x7f",
		"\xc3\xa4\xf0\x9f\x98\x80", "\xc2\x9b" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		struct json *root AUTO_JSON = NULL;
		struct err err;

		buf_add_text(&out, "[");
		buf_add_json(&out, rows[i]);
		buf_add_text(&out, "]");
		REQUIRE(read_text(buf_text(&out), &root, &err) == 0);
		CHECK_STR(json_text(json_at(root, 0)), rows[i]);
	}
}
