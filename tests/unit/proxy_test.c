/* SPDX-License-Identifier: MIT */
#include "lib/wire/proxy.h"

#include <stdlib.h>

#include "lib/base/attr.h"
#include "tests/test.h"

/* Which proxy a URL is asked by, as users of curl expect it. */

static const char *const variables[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
	"no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY" };

static void clear(void)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
}

static const char *asked_by(const char *configured, const char *url)
{
	struct proxy_env env = proxy_env_read();

	return proxy_for(&env, configured, url);
}

TEST(the_environment_in_its_order)
{
	clear();
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "");
	setenv("http_proxy", "http://no:1", 1);
	setenv("HTTP_PROXY", "http://no:1", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "");
	setenv("ALL_PROXY", "socks5h://d:4", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "socks5h://d:4");
	setenv("all_proxy", "http://c:3", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "http://c:3");
	setenv("HTTPS_PROXY", "http://b:2", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "http://b:2");
	setenv("https_proxy", "", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "http://b:2");
	setenv("https_proxy", "http://a:1", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "http://a:1");
	setenv("NO_PROXY", "ca.example", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "");
	setenv("no_proxy", "other.example", 1);
	CHECK_STR(asked_by(NULL, "https://ca.example/"), "http://a:1");
	/* The configuration knows best. */
	CHECK_STR(asked_by("http://conf:5", "https://other.example/"), "http://conf:5");
	CHECK_STR(asked_by("", "https://ca.example/"), "");
	clear();
}

TEST(exceptions)
{
	static const struct {
		const char *list, *host;
		bool is_excepted;
	} rows[] = {
		{ "", "ca.example", false },
		{ "*", "ca.example", true },
		{ "a,*", "192.0.2.1", true },
		{ "ca.example", "ca.example", true },
		{ "CA.Example.", "ca.example", true },
		{ "example", "ca.example", true },
		{ ".example", "ca.example", true },
		{ ".ca.example", "ca.example", true },
		{ "a.example", "ca.example", false },
		{ "ca.example.org", "ca.example", false },
		{ " x , y\tca.example ", "ca.example", true },
		{ ",,", "ca.example", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.10", false },
		{ "192.0.2.0/24", "192.0.2.77", true },
		{ "192.0.2.0/25", "192.0.2.200", false },
		{ "0.0.0.0/0", "192.0.2.200", true },
		{ "192.0.2.0/33", "192.0.2.0", false },
		{ "2001:db8::/32", "2001:db8::7", true },
		{ "[2001:db8::7]", "2001:db8::7", true },
		{ "2001:db8::/32", "192.0.2.1", false },
		{ "2", "192.0.2.2", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (proxy_is_excepted(rows[i].list, rows[i].host) != rows[i].is_excepted)
			TEST_FAIL("%s: %s", rows[i].list, rows[i].host);
}

TEST(what_a_configuration_may_say)
{
	static const char *const good[] = { "http://proxy.example:3128",
		"https://proxy.example", "socks5h://[2001:db8::1]:1080/",
		"HTTP://192.0.2.1:8080", "socks4a://p" };
	static const char *const bad[] = { "", "proxy.example:3128", "ftp://proxy.example",
		"http://", "http://:3128", "http://proxy.example:0", "http://proxy.example:x",
		"http://proxy.example:99999", "http://proxy.example/path",
		"http://user:secret@proxy.example:3128", "http://a b" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (proxy_fault(good[i]))
			TEST_FAIL("%s %s", good[i], proxy_fault(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!proxy_fault(bad[i]))
			TEST_FAIL("%s", bad[i]);
}

TEST(no_password_is_told)
{
	static const struct {
		const char *proxy, *want;
	} rows[] = {
		{ "http://user:se@cret@proxy.example:3128/", "proxy.example:3128" },
		{ "https://proxy.example", "proxy.example:443" },
		{ "proxy.example", "proxy.example:1080" },
		{ "socks5h://[2001:db8::1]", "[2001:db8::1]:1080" },
	};
	char out[300];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(proxy_place(rows[i].proxy, out), rows[i].want);
	CHECK(proxy_is_http("proxy.example:1") && proxy_is_http("HTTPS://p"));
	CHECK(!proxy_is_http("socks5://p"));
}
