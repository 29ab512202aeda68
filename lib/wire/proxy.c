/* SPDX-License-Identifier: MIT */
#include "lib/wire/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/attr.h"
#include "lib/base/str.h"
#include "lib/base/text.h"
#include "lib/wire/url.h"

/* The schemes, with libcurl's default ports. */
static const struct {
	const char *scheme;
	int port;
	bool is_http;
} schemes[] = {
	{ "http://", 1080, true },
	{ "https://", 443, true },
	{ "socks4://", 1080, false },
	{ "socks4a://", 1080, false },
	{ "socks5://", 1080, false },
	{ "socks5h://", 1080, false },
};

static const char *first_set(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		if (value && *value)
			return value;
	}
	return "";
}

struct proxy_env proxy_env_read(void)
{
	static const char *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
		"ALL_PROXY", NULL };
	static const char *const exceptions[] = { "no_proxy", "NO_PROXY", NULL };

	return (struct proxy_env){ first_set(proxies), first_set(exceptions) };
}

/* Reads an address as octets; its length, or 0. */
static int read_address(const char *text, unsigned char out[16])
{
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

static bool has_prefix(const unsigned char *a, const unsigned char *b, int bits)
{
	int whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, (size_t)whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

/* "192.0.2.0/24", "2001:db8::1", "[2001:db8::1]" */
static bool covers_address(const char *item, const unsigned char *host, int len)
{
	unsigned char network[16];
	char text[64];
	const char *slash = strchr(item, '/');
	size_t n = slash ? (size_t)(slash - item) : strlen(item);
	int64_t bits = (int64_t)len * 8;

	if (n >= 2 && item[0] == '[' && item[n - 1] == ']') {
		item++;
		n -= 2;
	}
	if (n >= sizeof(text))
		return false;
	memcpy(text, item, n);
	text[n] = 0;
	if (read_address(text, network) != len ||
		(slash && !str_to_int(slash + 1, 0, (int64_t)len * 8, &bits)))
		return false;
	return has_prefix(network, host, (int)bits);
}

static bool covers_name(const char *item, const char *host)
{
	size_t len = strlen(host), tail;

	item += *item == '.';
	tail = strlen(item);
	if (tail > 0 && item[tail - 1] == '.')
		tail--;
	if (tail == 0 || len < tail || strncasecmp(host + len - tail, item, tail) != 0)
		return false;
	return len == tail || host[len - tail - 1] == '.';
}

bool proxy_is_excepted(const char *list, const char *host)
{
	unsigned char address[16];
	int len = read_address(host, address);

	for (;;) {
		char item[256];
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == 0)
			return false;
		snprintf(item, sizeof(item), "%.*s", (int)(n < sizeof(item) ? n : 0), list);
		if (str_is(item, "*") ||
			(len ? covers_address(item, address, len) : covers_name(item, host)))
			return true;
		list += n;
	}
}

const char *proxy_for(const struct proxy_env *env, const char *configured, const char *url)
{
	char host[256];

	if (configured)
		return configured;
	return proxy_is_excepted(env->no_proxy, url_host(url, host)) ? "" : env->proxy;
}

/* The scheme's row in the table, or -1 for no scheme, which curl allows. */
static int scheme_of(const char *proxy)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncasecmp(proxy, schemes[i].scheme, strlen(schemes[i].scheme)) == 0)
			return (int)i;
	return -1;
}

/* The authority behind the scheme and the user information, which may contain a password. */
static const char *authority_of(const char *proxy, size_t *len)
{
	const char *at = strstr(proxy, "://"), *behind;

	at = at ? at + 3 : proxy;
	*len = strcspn(at, "/?#");
	behind = memrchr(at, '@', *len);
	if (behind) {
		*len -= (size_t)(behind + 1 - at);
		at = behind + 1;
	}
	return at;
}

const char *proxy_fault(const char *proxy)
{
	int scheme = scheme_of(proxy);
	size_t len;
	const char *at = authority_of(proxy, &len), *port;
	int64_t number;

	if (scheme < 0)
		return "does not begin with http://, https://, socks4://, socks4a://, "
		       "socks5:// or socks5h://, and is not none";
	if (at != proxy + strlen(schemes[scheme].scheme))
		return "has a user before its host; secrets do not belong here, set "
		       "https_proxy in the environment of the daemon instead";
	if (at[len] && !str_is(at + len, "/"))
		return "has a path";
	if (!text_is_visible(at, len))
		return "has a character that a host cannot have";
	port = memrchr(at, ':', len);
	if (port && memchr(port, ']', (size_t)(at + len - port)))
		port = NULL;
	if (len == 0 || port == at)
		return "has no host";
	if (port) {
		char text[8] = "";

		snprintf(text, sizeof(text), "%.*s", (int)(at + len - port - 1), port + 1);
		if (!str_to_int(text, 1, UINT16_MAX, &number))
			return "has no port from 1 to 65535 behind its host";
	}
	return len > 255 ? "has a host longer than 255 octets" : NULL;
}

const char *proxy_place(const char *proxy, char out[300])
{
	int scheme = scheme_of(proxy);
	size_t len;
	const char *at = authority_of(proxy, &len), *port = memrchr(at, ':', len);

	if (port && !memchr(port, ']', (size_t)(at + len - port)))
		snprintf(out, 300, "%.*s", (int)len, at);
	else
		snprintf(out, 300, "%.*s:%d", (int)len, at,
			scheme < 0 ? schemes[0].port : schemes[scheme].port);
	return out;
}

bool proxy_is_http(const char *proxy)
{
	int scheme = scheme_of(proxy);

	return scheme < 0 || schemes[scheme].is_http;
}
