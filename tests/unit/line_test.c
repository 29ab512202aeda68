/* SPDX-License-Identifier: MIT */
#include "proto/line.h"

#include "lib/base/buf.h"
#include "tests/test.h"

/* The words of a line as "[plain]" and "{key|value}", or "!" when it is refused. */
static void spell(const char *text, size_t len, struct buf *out)
{
	struct line line = { 0 };
	struct err err = ERR_INIT;

	buf_clear(out);
	if (line_parse_copy(&line, text, len, LINE_MAX_LEN, &err)) {
		CHECK_INT(err.code, ERR_BAD_LINE);
		CHECK_INT(line.n, 0);
		buf_add_char(out, '!');
	}
	for (size_t i = 0; i < line.n; i++) {
		if (line.words[i].key)
			buf_printf(out, "{%s|%s}", line.words[i].key, line.words[i].value);
		else
			buf_printf(out, "[%s]", line.words[i].value);
	}
	line_done(&line);
}

static const struct {
	const char *text, *want;
} grammar[] = {
	{ "status", "[status]" },
	{ "renew example.com/web-ec --force", "[renew][example.com/web-ec][--force]" },
	{ "row cert=a/b why=window", "[row]{cert|a/b}{why|window}" },
	{ "err no-cert \"there is no \\\"x\\\"\"", "[err][no-cert][there is no \"x\"]" },
	{ "a=", "{a|}" },
	{ "a= b", "{a|}[b]" },
	{ "a=\"\"", "{a|}" },
	{ "\"\"", "[]" },
	{ "a=b=c", "{a|b=c}" },
	{ "a==", "{a|=}" },
	{ "A=b", "[A=b]" },
	{ "\"a=b\"", "[a=b]" },
	{ "a=\"b c\" d=\"\\n\\r\\t\\\\\\x1b\\x7f\"", "{a|b c}{d|\n\r\t\\\x1b\x7f}" },
	{ "--force=ready", "{--force|ready}" },
	{ "a\\b", "[a\\b]" },
	{ "b\xc3\xbc"
	  "cher.example",
		"[b\xc3\xbc"
		"cher.example]" },
	{ "x=\xe2\x82\xac", "{x|\xe2\x82\xac}" },
	{ "=", "[=]" },
	{ "=a", "[=a]" },
	{ "", "!" },
	{ " ", "!" },
	{ " a", "!" },
	{ "a ", "!" },
	{ "a  b", "!" },
	{ "a\tb", "!" },
	{ "a\nb", "!" },
	{ "a\rb", "!" },
	{ "a\x7f", "!" },
	{ "a\"b\"", "!" },
	{ "\"a\"b", "!" },
	{ "\"a\"=b", "!" },
	{ "a=\"b\"c", "!" },
	{ "\"a", "!" },
	{ "\"a\\", "!" },
	{ "\"a\\\"", "!" },
	{ "\"\\q\"", "!" },
	{ "\"\\x41\"", "!" },
	{ "\"\\x00\"", "!" },
	{ "\"\\x1\"", "!" },
	{ "\"\\x", "!" },
	{ "\"\\x1", "!" },
	{ "\"a\tb\"", "!" },
	{ "\xff", "!" },
	{ "a=\xc3", "!" },
	{ "\xed\xa0\x80", "!" },
};

TEST(grammar)
{
	AUTO_BUF struct buf out = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(grammar); i++) {
		spell(grammar[i].text, strlen(grammar[i].text), &out);
		if (strcmp(buf_text(&out), grammar[i].want) != 0)
			TEST_FAIL("%s: got %s", grammar[i].text, buf_text(&out));
	}
	spell("a\0b", 3, &out);
	CHECK_STR(buf_text(&out), "!");
}

TEST(bounds)
{
	AUTO_BUF struct buf text = BUF_INIT;
	struct line line = { 0 };
	struct err err = ERR_INIT;

	while (text.len < LINE_MAX_LEN)
		buf_add_text(&text, "a ");
	text.len--;
	CHECK_INT(line_parse_copy(&line, text.data, text.len, LINE_MAX_LEN, &err), 0);
	CHECK_INT(line.n, LINE_MAX_LEN / 2);
	buf_add_text(&text, " b");
	CHECK_INT(line_parse_copy(&line, text.data, text.len, LINE_MAX_LEN, &err), -1);
	CHECK_INT(err.code, ERR_BAD_LINE);
	CHECK_INT(line_parse_copy(&line, text.data, text.len, LINE_MAX_LEN * 2, &err), 0);
	line_done(&line);
}

TEST(typed_values)
{
	static const char text[] =
		"x n=42 bad=4x at=2026-11-21T10:15:00Z d=1h30m yes=yes hex=00ff --force";
	struct line line = { 0 };
	struct err err = ERR_INIT;
	struct instant at = INSTANT_NONE;
	struct duration d = SECONDS(0);
	int64_t n = 7;
	bool flag = false;
	uint8_t hex[2];

	REQUIRE(line_parse_copy(&line, text, strlen(text), LINE_MAX_LEN, &err) == 0);
	CHECK_INT(line_get_int(&line, "absent", 0, 9, &n, &err), 0);
	CHECK_INT(n, 7);
	CHECK_INT(line_get_int(&line, "n", 0, 100, &n, &err), 0);
	CHECK_INT(n, 42);
	CHECK_INT(line_get_int(&line, "n", 0, 41, &n, &err), -1);
	CHECK_INT(line_get_int(&line, "bad", 0, 100, &n, &err), -1);
	CHECK_INT(err.code, ERR_BAD_ARGUMENT);
	CHECK(strncmp(err.text, "bad: ", 5) == 0);
	CHECK_INT(line_get_instant(&line, "at", &at, &err), 0);
	CHECK_INT(at.s, 1795256100);
	CHECK_INT(line_get_instant(&line, "n", &at, &err), -1);
	CHECK_INT(err.code, ERR_BAD_ARGUMENT);
	CHECK_INT(line_get_duration(&line, "d", &d, &err), 0);
	CHECK_INT(d.s, 5400);
	CHECK_INT(line_get_bool(&line, "yes", &flag, &err), 0);
	CHECK(flag);
	CHECK_INT(line_get_bool(&line, "n", &flag, &err), -1);
	CHECK_INT(line_get_hex(&line, "hex", hex, 2, &err), 0);
	CHECK(hex[0] == 0 && hex[1] == 255);
	CHECK_INT(line_get_hex(&line, "hex", hex, 1, &err), -1);
	CHECK(line_has(&line, "--force"));
	CHECK(!line_has(&line, "x"));
	CHECK_STR(line_plain(&line, 0), "x");
	CHECK(!line_plain(&line, 1));
	CHECK(!line_plain(&line, 99));
	CHECK(!line_need(&line, "absent", &err));
	CHECK_STR(err.text, "absent is missing");
	line_done(&line);
}

TEST(writing)
{
	AUTO_BUF struct buf out = BUF_INIT;

	line_add_word(&out, "row");
	line_add(&out, "cert", "a/b");
	line_add(&out, "text", "it \"broke\"");
	line_add(&out, "empty", "");
	line_add_word(&out, "a=b");
	line_add_word(&out, "");
	line_add_int(&out, "n", -3);
	line_addf(&out, "f", "%d of %d", 1, 2);
	line_add_bool(&out, "yes", true);
	line_add_instant(&out, "none", INSTANT_NONE);
	line_add_instant(&out, "at", INSTANT_NEVER);
	line_add_duration(&out, "d", MINUTES(90));
	line_add_hex(&out, "hex", "\x01\xff", 2);
	line_end(&out);
	line_add(&out, "bad",
		"a\xff"
		"b\x1b");
	CHECK_STR(buf_text(&out), "row cert=a/b text=\"it \\\"broke\\\"\" empty=\"\" \"a=b\" "
				  "\"\" n=-3 f=\"1 of 2\" "
				  "yes=yes at=never d=1h30m hex=01ff\n"
				  "bad=\"a\xef\xbf\xbd"
				  "b\\x1b\"");
}

/* Any C string survives writing and parsing, once it is UTF-8. */
TEST(round_trip)
{
	static const char *const parts[] = { "a", "=", " ", "\"", "\\", "\n", "\t", "\r",
		"\x01", "\x7f", "\xc3\xa4", "x", "key", "n", "-" };
	struct line line = { 0 };
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		struct buf values[3] = { BUF_INIT, BUF_INIT, BUF_INIT };
		AUTO_BUF struct buf text = BUF_INIT;
		struct err err = ERR_INIT;

		for (int i = 0; i < 3; i++) {
			for (seed = seed * 1103515245 + 12345; seed >> 28;
				seed = seed * 1103515245 + 12345)
				buf_add_text(
					&values[i], parts[(seed >> 16) % ARRAY_LEN(parts)]);
		}
		line_add_word(&text, buf_text(&values[0]));
		line_add(&text, "k", buf_text(&values[1]));
		line_add_word(&text, buf_text(&values[2]));
		REQUIRE(line_parse_copy(&line, text.data, text.len, LINE_MAX_LEN, &err) == 0);
		CHECK_INT(line.n, 3);
		CHECK_STR(line_plain(&line, 0), buf_text(&values[0]));
		CHECK_STR(line_get(&line, "k"), buf_text(&values[1]));
		CHECK_STR(line_plain(&line, 2), buf_text(&values[2]));
		for (int i = 0; i < 3; i++)
			buf_done(&values[i]);
	}
	line_done(&line);
}
