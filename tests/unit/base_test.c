/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/heap.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/base/instant.h"

TEST(durations_round_trip)
{
	static const struct {
		const char *text;
		int64_t s;
		const char *shortest;
	} rows[] = {
		{ "0", 0, "0s" },
		{ "90m", 5400, "1h30m" },
		{ "1h30m", 5400, "1h30m" },
		{ "1w", 604800, "7d" },
		{ "1y", 31536000, "365d" },
		{ "3650d", 315360000, "3650d" },
		{ "1d12h5s", 129605, "1d12h5s" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[DURATION_TEXT_LEN];
		struct duration d = { -1 };
		struct err err;

		CHECK_INT(duration_parse(rows[i].text, &d, &err), 0);
		CHECK_INT(d.s, rows[i].s);
		CHECK_STR(duration_text(d, text), rows[i].shortest);
	}
}

TEST(bad_durations_are_refused)
{
	static const char *const rows[] = { "", "5", "m", "30 days", "1m1h", "-1s", "1.5h",
		"99999999999999999999s", "9999999999999y", "1h1h", "10x" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct duration d = { -7 };
		struct err err;

		CHECK_INT(duration_parse(rows[i], &d, &err), -1);
		CHECK_INT(d.s, -7);
		CHECK_INT(err.code, ERR_BAD_VALUE);
	}
}

TEST(instants_round_trip_and_saturate)
{
	char text[INSTANT_TEXT_LEN];
	struct instant t, far = { INT64_MAX - 5 };
	struct err err;

	CHECK_INT(instant_parse("2026-11-21T10:15:00Z", &t, &err), 0);
	CHECK_STR(instant_compact(t, text), "20261121T101500Z");
	CHECK_INT(instant_parse("20261121T101500Z", &t, &err), 0);
	CHECK_STR(instant_text(t, text), "2026-11-21T10:15:00Z");
	CHECK_STR(instant_text(INSTANT_NEVER, text), "never");
	CHECK_INT(instant_add(far, HOURS(1)).s, INT64_MAX);
	CHECK_INT(instant_since(far, (struct instant){ INT64_MIN }).s, INT64_MAX);
	CHECK_INT(instant_parse("2026-11-21", &t, &err), -1);
}

TEST(brief_durations_are_for_people)
{
	char text[DURATION_TEXT_LEN];

	CHECK_STR(duration_brief(SECONDS(90061), text), "1d 1h");
	CHECK_STR(duration_brief(SECONDS(59), text), "59s");
	CHECK_STR(duration_brief(SECONDS(-3), text), "0s");
}

TEST(errors_gain_context_from_the_inside_out)
{
	struct err err;

	CHECK_INT(err_set(&err, ERR_IO, "line\nbreak"), -1);
	err_add(&err, "store %s", "x");
	CHECK_STR(err.text, "store x: line break");
	CHECK_STR(err_code_text(err.code), "io");
	CHECK_INT(err_code_parse("no-next"), ERR_NO_NEXT);
	CHECK_INT(err_code_parse("nonsense"), ERR_COUNT);
	CHECK_INT(err_code_exit(ERR_NO_SUCH_CERT), 5);
}

TEST(patterns_match_names)
{
	CHECK(str_matches("example.com/web", "example.com/*"));
	CHECK(str_matches("example.com/web", "example.com"));
	CHECK(str_matches("example.com/web-ec", "*/web-*"));
	CHECK(!str_matches("example.com/mail", "*/web-*"));
	CHECK(!str_matches("example.com/web", "example.co"));
	CHECK(str_matches("a/b", "*"));
	CHECK(str_matches("example.com/web", "*.com"));
	CHECK(str_matches("example.com/web", "ex*le.c*m/w*b*"));
	CHECK(!str_matches("example.com/web", "*.com/w"));
	CHECK(!str_matches("example.com/web", "*web"));
	CHECK(!str_matches("example.com/web", "example.com/*/*"));
	CHECK(str_matches("example.com/", "example.com/*"));
	CHECK(!str_matches("example.com", "example.com/*"));
	/* Would take years if every star were gone back to. */
	CHECK(!str_matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/b",
		"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b/b"));
}

TEST(edits_are_counted)
{
	static const struct {
		const char *a, *b;
		size_t limit, want;
	} rows[] = {
		{ "", "", 3, 0 },
		{ "web", "web", 3, 0 },
		{ "", "abc", 9, 3 },
		{ "web", "wb", 3, 1 },
		{ "web", "weeb", 3, 1 },
		{ "web", "wab", 3, 1 },
		{ "web", "wbe", 3, 1 },
		{ "web", "ewb", 3, 1 },
		{ "web", "bew", 3, 2 },
		{ "ab", "bca", 9, 3 }, /* what changed places is not changed again */
		{ "ab", "ba", 9, 1 },
		{ "abcd", "badc", 9, 2 },
		{ "kitten", "sitting", 9, 3 },
		{ "kitten", "sitting", 1, 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_INT(str_distance(rows[i].a, rows[i].b, rows[i].limit), rows[i].want);
		CHECK_INT(str_distance(rows[i].b, rows[i].a, rows[i].limit), rows[i].want);
	}
}

TEST(near_misses_are_found)
{
	static const char *const words[] = { "lifetime", "names", "key", NULL };

	CHECK_STR(str_near_miss("lifetme", words), "lifetime");
	CHECK_STR(str_near_miss("name", words), "names");
	CHECK_STR(str_near_miss("kye", words), "key");
	CHECK(!str_near_miss("colour", words));
}

TEST(utf8_is_judged)
{
	CHECK(str_is_utf8("gr\xc3\xbc\xc3\x9f", 6));
	CHECK(!str_is_utf8("\xc0\xaf", 2));
	CHECK(!str_is_utf8("\xed\xa0\x80", 3));
	CHECK(!str_is_utf8("a\0b", 3));
	CHECK(!str_is_utf8("\xc3", 1));
}

TEST(map_keeps_what_a_thousand_changes_left)
{
	enum { N = 1000 };
	static char keys[N][8];
	struct map map = { 0 };
	size_t at = 0, seen = 0;

	for (int i = 0; i < N; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		CHECK(!map_set(&map, keys[i], keys[i]));
	}
	for (int i = 0; i < N; i += 3)
		CHECK(map_remove(&map, keys[i]) == keys[i]);
	for (int i = 0; i < N; i++)
		CHECK(map_get(&map, keys[i]) == (i % 3 ? keys[i] : NULL));
	while (map_next(&map, &at))
		seen++;
	CHECK_INT(seen, map.n);
	map_done(&map);
}

TEST(heap_gives_the_earliest)
{
	enum { N = 500 };
	static struct heap_node nodes[N];
	struct heap heap = { 0 };
	int64_t last = -1;
	size_t n = 0;

	for (int i = 0; i < N; i++)
		heap_set(&heap, &nodes[i], (int64_t)rand_below(1000));
	for (int i = 0; i < N; i += 2)
		heap_set(&heap, &nodes[i], (int64_t)rand_below(1000));
	for (int i = 0; i < N; i += 5)
		heap_remove(&heap, &nodes[i]);
	for (struct heap_node *first; (first = heap_first(&heap)); n++) {
		CHECK(first->key >= last);
		last = first->key;
		heap_remove(&heap, first);
	}
	CHECK_INT(n, N - N / 5);
	heap_done(&heap);
}

TEST(what_is_freed_through_its_variable_cannot_be_freed_again)
{
	char *text = mem_strdup("text");

	mem_freep(&text);
	CHECK(text == NULL);
	mem_freep(&text);
}

TEST(a_small_arena_begins_small_and_grows)
{
	struct arena arena = arena_small(512);

	CHECK(arena_zalloc(&arena, 400) != NULL);
	CHECK(arena.total < 600);
	CHECK(arena_zalloc(&arena, 900) != NULL);
	CHECK(arena.total < 1700);
	CHECK(arena_zalloc(&arena, 100000) != NULL);
	arena_done(&arena);
	CHECK_INT(arena.size, 0);
}

TEST(arena_gives_zeroed_memory_of_any_size)
{
	struct arena arena = ARENA_INIT;

	for (size_t len = 1; len < 100000; len = len * 3 + 1) {
		char *p = arena_zalloc(&arena, len);

		CHECK(p[0] == 0 && p[len - 1] == 0);
		memset(p, 7, len);
	}
	CHECK_STR(arena_printf(&arena, "%d-%s", 5, "x"), "5-x");
	arena_done(&arena);
}

TEST(files_are_replaced_whole)
{
	char dir[] = "/tmp/certd-file-XXXXXX", link[64];
	struct buf buf AUTO_BUF = BUF_INIT;
	struct stat st;
	struct err err;
	int fd;

	REQUIRE(mkdtemp(dir));
	fd = file_open_dir(AT_FDCWD, dir, &err);
	REQUIRE(fd >= 0);
	CHECK_INT(file_make_dir(fd, "sub", 0700, &err), 0);
	CHECK_INT(file_replace(fd, "sub/a", "one", 3, FILE_SECRET, &err), 0);
	CHECK_INT(file_replace(fd, "sub/a", "two", 3, FILE_PUBLIC, &err), 0);
	CHECK_INT(file_read(fd, "sub/a", 3, &buf, &err), 0);
	CHECK_STR(buf_text(&buf), "two");
	CHECK_INT(fstatat(fd, "sub/a", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0644);
	CHECK_INT(file_read(fd, "sub/a", 2, &buf, &err), -1);
	CHECK_INT(err.code, ERR_TOO_LARGE);
	CHECK_INT(file_read(fd, "none", 2, &buf, &err), -1);
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_INT(file_replace_link(fd, "l", "sub/a", &err), 0);
	CHECK_INT(file_replace_link(fd, "l", "sub/b", &err), 0);
	CHECK_INT(file_read_link(fd, "l", link, sizeof(link), &err), 0);
	CHECK_STR(link, "sub/b");
	CHECK_INT(file_remove_tree(AT_FDCWD, dir, &err), 0);
	CHECK(!file_exists(AT_FDCWD, dir));
	close(fd);
}

TEST(safe_names)
{
	CHECK(file_name_is_safe("web-ec"));
	CHECK(!file_name_is_safe(".."));
	CHECK(!file_name_is_safe(".hidden"));
	CHECK(!file_name_is_safe("a/b"));
	CHECK(!file_name_is_safe(""));
	CHECK(!file_name_is_safe("a\nb"));
}

TEST(text_is_fit_to_be_shown)
{
#define BROKEN "\xef\xbf\xbd"
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "plain text", "plain text" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91",
			"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91" },
		{ "a\tb\r\nc", "a b  c" },
		{ "\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f" },
		{ "\xc2\x9b"
		  "2J",
			"\\x9b"
			"2J" },
		{ "\xe2\x80\xae"
		  "cod",
			"\\u202e"
			"cod" },
		{ "\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8f\xd8\x9c",
			"\\u2066\\u2069\\u200f\\u061c" },
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
		{ "\xff \xed\xa0\x80 \xc3", BROKEN " " BROKEN BROKEN BROKEN " " BROKEN },
	};
#undef BROKEN

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out AUTO_BUF = BUF_INIT, again AUTO_BUF = BUF_INIT;

		text_show(&out, rows[i].in, strlen(rows[i].in));
		CHECK_STR(buf_text(&out), rows[i].want);
		CHECK(text_is_fit(buf_text(&out)));
		CHECK_INT(text_is_fit(rows[i].in), strcmp(rows[i].in, rows[i].want) == 0);
		text_show(&again, buf_text(&out), out.len);
		CHECK_STR(buf_text(&again), rows[i].want);
	}
}

/* Wherever it is cut, an error's text is well-formed, and the same when it is told again. */
TEST(errors_are_cut_between_characters)
{
	char text[600] = "";
	struct err err, again;

	for (size_t len = 380; len < 405; len++) {
		memset(text, 'x', len);
		strcpy(text + len, "\xf0\x9f\x94\x91\xe2\x82\xac\xc2\x9b\xc3\xbc end");
		err_set(&err, ERR_IO, "%s", text);
		CHECK(text_is_fit(err.text));
		err_set(&again, ERR_IO, "%s", err.text);
		CHECK_STR(again.text, err.text);
		err_add(&again, "cut");
		CHECK(text_is_fit(again.text));
	}
}
