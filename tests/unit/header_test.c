/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/net/header.h"
#include "lib/wire/url.h"

/* RFC 9110's example: 784111777. */
#define THEN 784111777

TEST(dates)
{
	static const struct {
		const char *text;
		int64_t s;
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", THEN },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", THEN },
		{ "Sun Nov  6 08:49:37 1994", THEN },
		{ "Wed Nov 16 08:49:37 1994", THEN + 864000 },
		{ "Wednesday, 16-Nov-94 08:49:37 GMT", THEN + 864000 },
		{ "Saturday, 21-Nov-26 00:00:00 GMT", 1795219200 },
		{ "Sat, 21 Nov 2026 00:00:00 GMT", 1795219200 },
		{ "Thu, 29 Feb 2024 23:59:60 GMT", 1709251200 }, /* a leap second */
		{ "Thu, 29 Feb 2023 23:59:59 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:37", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 UTC", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT ", 0 },
		{ "Sun, 6 Nov 1994 08:49:37 GMT", 0 },
		{ "sun, 06 nov 1994 08:49:37 gmt", 0 },
		{ "Sun, 06 Nov 94 08:49:37 GMT", 0 },
		{ "Sun, 06 Nox 1994 08:49:37 GMT", 0 },
		{ "Sun, 32 Nov 1994 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 24:49:37 GMT", 0 },
		{ "Sun, 06 Nov 0994 08:49:37 GMT", 0 },
		{ "Sun Nov 6 08:49:37 1994", 0 },
		{ "Sun Nov  6 08:49:37 1994 GMT", 0 },
		{ "Sun", 0 },
		{ "Sunday", 0 },
		{ "Sunday, ", 0 },
		{ "Fri", 0 },
		{ "120", 0 },
		{ "", 0 },
		{ NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (header_date(rows[i].text).s != rows[i].s)
			TEST_FAIL("%s: %" PRId64, rows[i].text, header_date(rows[i].text).s);
}

TEST(retry_after)
{
	static const int64_t most = 366 * INT64_C(86400);
	static const struct {
		const char *text;
		int64_t after; /* -1: absent */
	} rows[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "007", 7 },
		{ "86400", 86400 },
		{ "31622400", most },
		{ "31622401", most },
		{ "99999999999999999999999999", most },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60 },
		{ "Sun Nov  6 08:49:38 1994", 1 },
		{ "Sunday, 06-Nov-94 09:49:37 GMT", 3600 },
		{ "Sun, 06 Nov 1994 08:00:00 GMT", 0 },
		{ "Sat, 21 Nov 2026 00:00:00 GMT", most },
		{ "-1", -1 },
		{ "+1", -1 },
		{ "1.5", -1 },
		{ "1 ", -1 },
		{ " 1", -1 },
		{ "0x10", -1 },
		{ "1, 2", -1 },
		{ "soon", -1 },
		{ "", -1 },
		{ NULL, -1 },
	};
	struct instant now = { THEN };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct instant at = header_retry_after(rows[i].text, now);
		int64_t after = instant_is_set(at) ? at.s - now.s : -1;

		if (after != rows[i].after)
			TEST_FAIL("%s: %" PRId64 ", not %" PRId64, rows[i].text, after,
				rows[i].after);
	}
}

#define BASE "https://ca.example/acme/cert/1?x=y"

TEST(links)
{
	static const struct {
		const char *value, *relation;
		unsigned n;
		const char *target; /* NULL: none */
	} rows[] = {
		{ "<https://ca.example/alt>;rel=\"alternate\"", "alternate", 0,
			"https://ca.example/alt" },
		{ "<https://ca.example/alt>;rel=\"alternate\"", "alternate", 1, NULL },
		{ "<https://ca.example/alt>;rel=\"alternate\"", "up", 0, NULL },
		{ "<a>;rel=alternate, <b>;rel=up, <c>;rel=alternate", "alternate", 0,
			"https://ca.example/acme/cert/a" },
		{ "<a>;rel=alternate, <b>;rel=up, <c>;rel=alternate", "alternate", 1,
			"https://ca.example/acme/cert/c" },
		{ "<a>;rel=alternate, <b>;rel=up, <c>;rel=alternate", "up", 0,
			"https://ca.example/acme/cert/b" },
		{ "<a>;rel=\"up alternate\"", "alternate", 0,
			"https://ca.example/acme/cert/a" },
		{ "<a>;rel=\"  up   ALTERNATE \"", "alternate", 0,
			"https://ca.example/acme/cert/a" },
		{ "<a>;rel=\"alternates\"", "alternate", 0, NULL },
		{ "<a>;REL=Index", "index", 0, "https://ca.example/acme/cert/a" },
		{ "<a> ; rel = \"index\" ", "index", 0, "https://ca.example/acme/cert/a" },
		{ "<a,b;c>;rel=index", "index", 0, "https://ca.example/acme/cert/a,b;c" },
		{ "<a>;title=\"x, <q>;rel=up\";rel=index", "index", 0,
			"https://ca.example/acme/cert/a" },
		{ "<a>;title=\"x, <q>;rel=up\";rel=index", "up", 0, NULL },
		{ "<a>;title=\"\\\"\\\\\";rel=index", "index", 0,
			"https://ca.example/acme/cert/a" },
		{ "<a>;rel=index;rel=up", "up", 0, NULL }, /* only the first counts */
		{ "<a>;rel=index;rel=up", "index", 0, "https://ca.example/acme/cert/a" },
		{ "<a>;anchor=\"#foo\";rel=index", "index", 0, NULL },
		{ "<a>;rel=\"in\\dex\"", "index", 0, "https://ca.example/acme/cert/a" },
		{ "<a>;flag;rel=index", "index", 0, "https://ca.example/acme/cert/a" },
		{ "<a>;;rel=index", "index", 0, "https://ca.example/acme/cert/a" },
		{ "<a>;rel=index;", "index", 0, "https://ca.example/acme/cert/a" },
		{ ", ,<a>;rel=index", "index", 0, "https://ca.example/acme/cert/a" },
		{ "<>;rel=index", "index", 0, "https://ca.example/acme/cert/1?x=y" },
		{ "<\xc3\xa4>;rel=index,<b>;rel=index", "index", 0,
			"https://ca.example/acme/cert/b" },
		{ "<a b>;rel=index", "index", 0, NULL },
		{ "<a>", "index", 0, NULL },
		{ "<a", "index", 0, NULL },
		{ "<", "index", 0, NULL },
		{ "a;rel=index", "index", 0, NULL },
		{ "<a>;rel=\"index", "index", 0, NULL },
		{ "<a>;rel=\"index\\", "index", 0, NULL },
		{ "<a>x;rel=index", "index", 0, NULL },
		{ "<a>;rel=", "index", 0, NULL },
		{ "", "index", 0, NULL },
		{ NULL, "index", 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out AUTO_BUF = BUF_INIT;
		bool found =
			header_link(rows[i].value, rows[i].relation, rows[i].n, BASE, &out);

		if (found != (rows[i].target != NULL) ||
			strcmp(buf_text(&out), found ? rows[i].target : "") != 0)
			TEST_FAIL("%s %s %u: \"%s\"", rows[i].value, rows[i].relation,
				rows[i].n, buf_text(&out));
	}
}

/* RFC 3986, 5.4, with its own base. */
TEST(references)
{
	static const char *const rows[][2] = { { "g:h", "g:h" }, { "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" }, { "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" }, { "//g", "http://g" }, { "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" }, { "#s", "http://a/b/c/d;p?q#s" },
		{ "g#s", "http://a/b/c/g#s" }, { "g?y#s", "http://a/b/c/g?y#s" },
		{ ";x", "http://a/b/c/;x" }, { "g;x", "http://a/b/c/g;x" },
		{ "g;x?y#s", "http://a/b/c/g;x?y#s" }, { "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" }, { "./", "http://a/b/c/" }, { "..", "http://a/b/" },
		{ "../", "http://a/b/" }, { "../g", "http://a/b/g" }, { "../..", "http://a/" },
		{ "../../", "http://a/" }, { "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" }, { "../../../../g", "http://a/g" },
		{ "/./g", "http://a/g" }, { "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." }, { ".g", "http://a/b/c/.g" },
		{ "g..", "http://a/b/c/g.." }, { "..g", "http://a/b/c/..g" },
		{ "./../g", "http://a/b/g" }, { "./g/.", "http://a/b/c/g/" },
		{ "g/./h", "http://a/b/c/g/h" }, { "g/../h", "http://a/b/c/h" },
		{ "g;x=1/./y", "http://a/b/c/g;x=1/y" }, { "g;x=1/../y", "http://a/b/c/y" },
		{ "g?y/./x", "http://a/b/c/g?y/./x" }, { "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "g#s/./x", "http://a/b/c/g#s/./x" }, { "g#s/../x", "http://a/b/c/g#s/../x" },
		{ "http:g", "http:g" } };
	struct buf out AUTO_BUF = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&out);
		url_resolve("http://a/b/c/d;p?q", rows[i][0], &out);
		if (strcmp(buf_text(&out), rows[i][1]) != 0)
			TEST_FAIL("%s: %s, not %s", rows[i][0], buf_text(&out), rows[i][1]);
	}
	buf_clear(&out);
	url_resolve("https://ca.example", "x", &out);
	CHECK_STR(buf_text(&out), "https://ca.example/x");
}

TEST(media_types)
{
	CHECK(header_type_is("application/json", "application/json"));
	CHECK(header_type_is("Application/JSON; charset=utf-8", "application/json"));
	CHECK(header_type_is(" application/json ;x", "application/json"));
	CHECK(!header_type_is("application/jsonp", "application/json"));
	CHECK(!header_type_is("application/json, text/html", "application/json"));
	CHECK(!header_type_is("application", "application/json"));
	CHECK(!header_type_is("", "application/json"));
	CHECK(!header_type_is(NULL, "application/json"));
}
