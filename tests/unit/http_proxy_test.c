/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "lib/wire/url.h"
#include "tests/unit/http_ask.h"

/* Which host is asked by which proxy, which of them is told as dead, and where redirects may lead. */

static struct http_op op;

TEST(start)
{
	servers_start();
	loop = loop_new();
	http = http_new(loop, "certd-test/1");
}

static struct err get_by_proxy(int proxy_port, const char *not_for, const char *host)
{
	struct http *direct = http;
	char proxy[64], url[64];
	struct err err;

	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", proxy_port);
	snprintf(url, sizeof(url), "https://%s:%d/echo", host, servers_port("good"));
	setenv("https_proxy", proxy, 1);
	setenv("no_proxy", not_for, 1);
	http = http_new(loop, "certd-test/1");
	unsetenv("https_proxy");
	unsetenv("no_proxy");
	http_get(&op, url);
	op.trust = servers.trust;
	err = ask(&op);
	http_free(http);
	http = direct;
	return err;
}

TEST(a_proxy_of_the_environment)
{
	int proxy = servers_port("proxy");
	char refused[128];

	snprintf(refused, sizeof(refused),
		"the proxy 127.0.0.1:%d refuses a tunnel to refused.invalid with status 403",
		proxy);

	CHECK_STR(get_by_proxy(proxy, "", "localhost").text, "");
	CHECK_INT(op.status, 200);
	CHECK(!strcasestr(buf_text(&op.body), "proxy"));
	/* Only the proxy knows how to get there, but it need not be trusted. */
	CHECK_STR(get_by_proxy(proxy, "", "nowhere.invalid").text,
		"nowhere.invalid: the certificate is for another name");
	CHECK_STR(get_by_proxy(proxy, "", "refused.invalid").text, refused);
	CHECK_STR(get_by_proxy(1, "localhost,.example", "localhost").text, "");
}

/* Even where CA and proxy are one host it is told which of them is dead. */
TEST(a_dead_proxy_is_not_a_dead_server)
{
	static const char *const hosts[] = { "ca.invalid", "127.0.0.1", "localhost" };

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct err err = get_by_proxy(1, "", hosts[i]);
		char want[128];

		snprintf(want, sizeof(want),
			"no proxy answers at 127.0.0.1:1, by which %s is asked", hosts[i]);
		CHECK_INT(err.code, ERR_PROXY);
		CHECK(str_starts(err.text, want));
	}
	/* And the other way round: the proxy is there, and the server is not. */
	http_get(&op, "https://127.0.0.1:1/");
	CHECK_INT(ask(&op).code, ERR_CONNECT);
}

TEST(proxies_of_every_kind_of_trouble)
{
	static const struct {
		const char *proxy, *part;
	} rows[] = {
		{ "http://nowhere.invalid:3128", "the name of the proxy nowhere.invalid:3128" },
		{ "socks5h://127.0.0.1:1", "no proxy answers at 127.0.0.1:1" },
		{ "http://u:secret@127.0.0.1:1", "no proxy answers at 127.0.0.1:1," },
		{ "https://127.0.0.1:%d",
			"opened no tunnel to localhost" }, /* it does not speak TLS */
		{ "socks5h://127.0.0.1:%d", "opened no tunnel to localhost" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;
		char proxy[64];

		const char *port = strstr(rows[i].proxy, "%d");
		if (port)
			snprintf(proxy, sizeof(proxy), "%.*s%d", (int)(port - rows[i].proxy),
				rows[i].proxy, servers_port("proxy"));
		else
			snprintf(proxy, sizeof(proxy), "%s", rows[i].proxy);
		http_get(&op, servers_url("good", "echo"));
		op.trust = servers.trust;
		op.proxy = proxy;
		op.time_ms = 2000;
		err = ask(&op);
		if (err.code != ERR_PROXY || !strstr(err.text, rows[i].part) ||
			strstr(err.text, "secret"))
			TEST_FAIL("%s: %d %s", rows[i].proxy, err.code, err.text);
	}
	/* What the operation says goes before what the environment says, and none is none. */
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	http_get(&op, servers_url("good", "echo"));
	op.trust = servers.trust;
	op.proxy = "";
	CHECK_INT(ask(&op).code, ERR_NONE);
	unsetenv("ALL_PROXY");
}

TEST(redirects_to_allowed_origins)
{
	static const struct {
		const char *more;
		bool is_followed;
	} rows[] = { { NULL, false }, { "https://elsewhere.invalid", false },
		{ "https://127.0.0.1", false }, { "https://127.0.0.1:%d", true } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *from = servers_url("good", "astray/https:");
		char other[64] = "";
		const char *const more[] = { other };
		struct url_origins origins = { from, more, rows[i].more != NULL };
		struct err err;

		if (rows[i].is_followed)
			snprintf(other, sizeof(other), "https://127.0.0.1:%d",
				servers_port("good"));
		else if (rows[i].more)
			snprintf(other, sizeof(other), "%s", rows[i].more);
		http_get(&op, from);
		op.trust = servers.trust;
		op.follow = true;
		op.origins = &origins;
		err = ask(&op);
		if ((err.code != ERR_FOREIGN_URL) != rows[i].is_followed)
			TEST_FAIL("row %zu: %s", i, err.text);
		CHECK(rows[i].is_followed ||
			strstr(err.text, "another host, https://127.0.0.1:"));
	}
}

TEST(stop)
{
	http_op_done(&op);
	http_free(http);
	loop_free(loop);
	servers_stop();
}
