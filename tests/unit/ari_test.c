/* SPDX-License-Identifier: MIT */
#include "daemon/acme/ari.h"

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "tests/test.h"

#define T0 INT64_C(1795256100) /* 2026-11-21T10:15:00Z */

TEST(urls)
{
	AUTO_BUF struct buf out = BUF_INIT;

	ari_url("https://ca.example/ari", "aYhb.AIdl", &out);
	CHECK_STR(buf_text(&out), "https://ca.example/ari/aYhb.AIdl");
	buf_clear(&out);
	ari_url("https://ca.example/ari/", "aYhb.AIdl", &out);
	CHECK_STR(buf_text(&out), "https://ca.example/ari/aYhb.AIdl");
}

TEST(answers)
{
	static const struct {
		const char *text;
		int64_t start, end; /* after T0; 0, 0: refused */
		const char *url;
	} table[] = {
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-21T10:20:00Z\",\"end\":"
		  "\"2026-11-21T10:30:00Z\"}}",
			300, 900, NULL },
		{ "{\"suggestedWindow\":{\"end\":\"2026-11-21T12:30:00.999999999+02:00\","
		  "\"start\":"
		  "\"2026-11-21T10:20:00.5Z\"},\"explanationURL\":\"https://ca.example/why\"}",
			300, 900, "https://ca.example/why" },
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-21T10:20:00Z\",\"end\":"
		  "\"2026-11-21T10:20:01Z\"},\"explanationURL\":\"javascript:alert(1)\"}",
			300, 301, NULL },
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-21T10:20:00Z\",\"end\":"
		  "\"2026-11-21T10:30:00Z\"},\"explanationURL\":7}",
			300, 900, NULL },
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-21T10:20:00Z\",\"end\":"
		  "\"2026-11-21T10:20:00Z\"}}",
			0, 0, NULL },
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-21T10:20:01Z\",\"end\":"
		  "\"2026-11-21T10:20:00Z\"}}",
			0, 0, NULL },
		{ "{\"suggestedWindow\":{\"start\":\"soon\",\"end\":\"2026-11-21T10:30:00Z\"}}",
			0, 0, NULL },
		{ "{\"suggestedWindow\":[\"2026-11-21T10:20:00Z\"]}", 0, 0, NULL },
		{ "{\"suggestedWindow\":{\"start\":\"2026-11-21T10:20:00Z\"}}", 0, 0, NULL },
		{ "{}", 0, 0, NULL },
		{ "[]", 0, 0, NULL },
		{ "<html>", 0, 0, NULL },
		{ "", 0, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ari_facts ari = { .again = { 5 } };
		struct err err = ERR_INIT;
		int result = ari_read(table[i].text, strlen(table[i].text), &ari, &err);

		CHECK_INT(result, table[i].end ? 0 : -1);
		if (result < 0) {
			CHECK_INT(err.code, ERR_BAD_ANSWER);
			CHECK(!instant_is_set(ari.start) && !ari.url);
			continue;
		}
		CHECK_INT(ari.start.s, T0 + table[i].start);
		CHECK_INT(ari.end.s, T0 + table[i].end);
		CHECK_INT(ari.again.s, 5);
		CHECK((ari.url != NULL) == (table[i].url != NULL));
		if (ari.url && table[i].url)
			CHECK_STR(ari.url, table[i].url);
		free(ari.url);
	}
}

/* Within the window, even over many certificates, and nothing but its arguments decides. */
TEST(moments_are_stable_and_even)
{
	enum { N = 20000, PARTS = 20 };
	struct version_id version = { { T0 }, 0 }, later = { { T0 + 1 }, 0 };
	struct version_id second = { { T0 }, 1 };
	struct instant start = { T0 }, end = { T0 + 1000 };
	int counts[PARTS] = { 0 }, differ[5] = { 0 };

	for (int i = 0; i < N; i++) {
		char name[32];
		int64_t s, others[5];

		snprintf(name, sizeof(name), "example.com/web-%d", i);
		s = ari_moment(name, &version, start, end).s;
		REQUIRE(s >= start.s && s < end.s);
		CHECK_INT(ari_moment(name, &version, start, end).s, s);
		counts[(s - start.s) * PARTS / 1000]++;
		others[0] = ari_moment("example.com/other", &version, start, end).s;
		others[1] = ari_moment(name, &later, start, end).s;
		others[2] = ari_moment(name, &second, start, end).s;
		others[3] = ari_moment(name, &version, (struct instant){ T0 - 1000 }, end).s;
		others[4] = ari_moment(name, &version, start, (struct instant){ T0 + 1001 }).s;
		for (int k = 0; k < 5; k++)
			differ[k] += others[k] != s;
	}
	for (int i = 0; i < PARTS; i++)
		CHECK(counts[i] > N / PARTS * 85 / 100 && counts[i] < N / PARTS * 115 / 100);
	for (int k = 0; k < 5; k++)
		CHECK(differ[k] > N * 99 / 100);
	CHECK_INT(ari_moment("x", &version, start, (struct instant){ T0 + 1 }).s, T0);
}

TEST(asks_again)
{
	static const struct {
		int status; /* -1: an answer came */
		unsigned tries;
		int64_t retry, want; /* from now; retry 0: none */
	} table[] = {
		{ -1, 0, 0, 21600 },
		{ -1, 0, 1, 60 },
		{ -1, 0, 3600, 3600 },
		{ -1, 0, 86400, 86400 },
		{ -1, 0, 864000, 86400 },
		{ -1, 0, -50, 60 },
		{ 0, 1, 0, 60 },
		{ 0, 2, 0, 120 },
		{ 0, 5, 0, 960 },
		{ 0, 99, 0, 21600 },
		{ 503, 3, 0, 240 },
		{ 503, 3, 3600, 3600 },
		{ 503, 3, 864000, 86400 },
		{ 429, 1, 7, 60 },
		{ 404, 1, 0, 21600 },
		{ 404, 9, 60, 21600 },
		{ 301, 1, 0, 21600 },
		{ 200, 1, 0, 21600 },
	};
	struct instant now = { T0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct instant retry = { table[i].retry ? T0 + table[i].retry : 0 };
		struct instant got = table[i].status < 0 ? ari_again(retry, now)
							 : ari_again_after(table[i].status,
								   table[i].tries, retry, now);

		if (got.s != T0 + table[i].want)
			TEST_FAIL("row %zu: %" PRId64, i, got.s - T0);
	}
}
