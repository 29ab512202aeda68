/* SPDX-License-Identifier: MIT */
#include "lib/wire/url.h"

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "tests/test.h"

static const struct {
	const char *url, *host;
} good[] = {
	{ "https://ca.example/directory", "ca.example" },
	{ "https://ca.example", "ca.example" },
	{ "https://ca.example?x=1", "ca.example" },
	{ "https://CA.Example:14000/dir", "ca.example" },
	{ "HTTPS://ca.example:/", "ca.example" },
	{ "https://192.0.2.1:1/", "192.0.2.1" },
	{ "https://[2001:DB8::1]/dir", "2001:db8::1" },
	{ "https://[::1]:65535/dir?a=b@c:d", "::1" },
	{ "https://localhost/%7Euser/[x]", "localhost" },
};

TEST(good_urls)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err = ERR_INIT;
		char host[256];

		CHECK_INT(url_check(good[i].url, &err), 0);
		CHECK_STR(url_host(good[i].url, host), good[i].host);
		CHECK(url_same_origin(good[i].url, good[i].url));
	}
}

static const struct {
	const char *url, *want;
} bad[] = {
	{ "", "\"\" does not begin with https://" },
	{ "https:/ca.example", "\"https:/ca.example\" does not begin with https://" },
	{ "http://ca.example/", "\"http://ca.example/\" does not begin with https://" },
	{ "file:///etc/passwd", "\"file:///etc/passwd\" does not begin with https://" },
	{ "https://", "\"https://\" has no host" },
	{ "https:///dir", "\"https:///dir\" has no host" },
	{ "https://:443/", "\"https://:443/\" has no host" },
	{ "https://ca.example@evil.example/",
		"\"https://ca.example@evil.example/\" has a user before its host" },
	{ "https://u:p@ca.example/", "\"https://u:p@ca.example/\" has a user before its host" },
	{ "https://ca.example/#x", "\"https://ca.example/#x\" has a fragment" },
	{ "https://ca.example:0/",
		"\"https://ca.example:0/\" has no port from 1 to 65535 behind its host" },
	{ "https://ca.example:65536/",
		"\"https://ca.example:65536/\" has no port from 1 to 65535 behind its host" },
	{ "https://ca.example:44x/",
		"\"https://ca.example:44x/\" has no port from 1 to 65535 behind its host" },
	{ "https://ca.example:443:1/",
		"\"https://ca.example:443:1/\" has no port from 1 to 65535 behind its host" },
	{ "https://[::1]x/",
		"\"https://[::1]x/\" has no port from 1 to 65535 behind its host" },
	{ "https://[::1/", "\"https://[::1/\" has brackets without an IPv6 address" },
	{ "https://[ca.example]/",
		"\"https://[ca.example]/\" has brackets without an IPv6 address" },
	{ "https://::1/", "\"https://::1/\" has no host" },
	{ "https://ca example/",
		"\"https://ca example/\" has a character that a URL cannot have" },
	{ "https://ca.example/\n",
		"\"https://ca.example/ \" has a character that a URL cannot have" },
	{ "https://b\xc3\xbc"
	  "cher.example/",
		"\"https://b\xc3\xbc"
		"cher.example/\" has a character that a URL cannot have" },
	{ "https://ca!.example/", "\"https://ca!.example/\" has a host that is neither a name "
				  "in ASCII nor an address" },
	{ "https://ca.example\\@evil.example/",
		"\"https://ca.example\\@evil.example/\" has a user before its host" },
};

TEST(bad_urls)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;

		CHECK_INT(url_check(bad[i].url, &err), -1);
		CHECK_INT(err.code, ERR_BAD_VALUE);
		CHECK_STR(err.text, bad[i].want);
		CHECK(!url_same_origin(bad[i].url, bad[i].url));
	}
}

static const struct {
	const char *a, *b;
	bool is_same;
} pairs[] = {
	{ "https://ca.example/dir", "https://ca.example/acme/order/1?x", true },
	{ "https://ca.example/dir", "https://CA.EXAMPLE:443/x", true },
	{ "https://ca.example/dir", "https://ca.example:/x", true },
	{ "https://ca.example:14000/dir", "https://ca.example:14000/x", true },
	{ "https://ca.example:14000/dir", "https://ca.example/x", false },
	{ "https://ca.example/dir", "https://ca.example.evil.example/x", false },
	{ "https://ca.example/dir", "https://ca.exampl/x", false },
	{ "https://ca.example/dir", "http://ca.example/x", false },
	{ "https://ca.example/dir", "https://evil.example/https://ca.example/dir", false },
	{ "https://ca.example/dir", "https://ca.example@evil.example/dir", false },
	{ "https://[::1]:1/dir", "https://[::1]:1/x", true },
	{ "https://[::1]/dir", "https://[::2]/x", false },
};

TEST(same_origin)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CHECK_INT(url_same_origin(pairs[i].a, pairs[i].b), pairs[i].is_same);
		CHECK_INT(url_same_origin(pairs[i].b, pairs[i].a), pairs[i].is_same);
	}
}

TEST(bounds)
{
	char *url AUTO_FREE = mem_zalloc(URL_MAX + 2);
	struct err err = ERR_INIT;
	char host[256];

	memset(url, 'a', URL_MAX + 1);
	memcpy(url, "https://ca.example/", 19);
	CHECK_INT(url_check(url, &err), -1);
	url[URL_MAX] = 0;
	CHECK_INT(url_check(url, &err), 0);
	memset(url + 8, 'h', 255);
	url[8 + 255] = '/';
	CHECK_INT(url_check(url, &err), 0);
	CHECK_INT(strlen(url_host(url, host)), 255);
	url[8 + 255] = 'h';
	url[8 + 256] = '/';
	CHECK_INT(url_check(url, &err), -1);
}
