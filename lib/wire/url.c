/* SPDX-License-Identifier: MIT */
#include "lib/wire/url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/text.h"

#define SCHEME "https://"
#define HTTPS_PORT 443
#define HOST_MAX 255

/* The authority of a URL, unchanged. */
struct authority {
	const char *host; /* behind the bracket of an IPv6 address */
	size_t host_len;
	bool is_ipv6;
	int64_t port;
};

static const char host_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-._";

/* Returns what is wrong, or NULL. */
static const char *read_host(const char *at, const char *end, struct authority *out)
{
	char address[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	const char *close;

	out->is_ipv6 = at < end && *at == '[';
	if (!out->is_ipv6) {
		close = memchr(at, ':', (size_t)(end - at));
		out->host = at;
		out->host_len = (size_t)((close ? close : end) - at);
		if (out->host_len == 0)
			return "has no host";
		if (out->host_len > HOST_MAX)
			return "has a host longer than 255 octets";
		return strspn(at, host_letters) < out->host_len
			       ? "has a host that is neither a name in ASCII nor an address"
			       : NULL;
	}
	close = memchr(at, ']', (size_t)(end - at));
	out->host = at + 1;
	out->host_len = close ? (size_t)(close - at - 1) : 0;
	if (!close || out->host_len >= sizeof(address))
		return "has brackets without an IPv6 address";
	memcpy(address, out->host, out->host_len);
	address[out->host_len] = 0;
	return inet_pton(AF_INET6, address, bytes) == 1
		       ? NULL
		       : "has brackets without an IPv6 address";
}

static const char *read_port(const char *at, const char *end, struct authority *out)
{
	char text[6];
	size_t len = (size_t)(end - at);

	out->port = HTTPS_PORT;
	if (len == 0)
		return NULL;
	if (*at != ':' || len - 1 >= sizeof(text))
		return "has no port from 1 to 65535 behind its host";
	memcpy(text, at + 1, len - 1);
	text[len - 1] = 0;
	/* The generic syntax allows "host:" for the scheme's own port (RFC 3986, 3.2.3). */
	if (!*text || str_to_int(text, 1, UINT16_MAX, &out->port))
		return NULL;
	return "has no port from 1 to 65535 behind its host";
}

static const char *read_authority(const char *url, struct authority *out)
{
	const char *at = url + strlen(SCHEME), *end, *fault;

	if (strncasecmp(url, SCHEME, strlen(SCHEME)) != 0)
		return "does not begin with https://";
	end = at + strcspn(at, "/?#");
	if (memchr(at, '@', (size_t)(end - at)))
		return "has a user before its host";
	fault = read_host(at, end, out);
	return fault ? fault : read_port(out->host + out->host_len + out->is_ipv6, end, out);
}

static const char *fault_of(const char *url)
{
	struct authority authority;

	if (strnlen(url, URL_MAX + 1) > URL_MAX)
		return "is longer than 2048 octets";
	if (!text_is_visible(url, strlen(url)))
		return "has a character that a URL cannot have";
	if (strchr(url, '#'))
		return "has a fragment";
	return read_authority(url, &authority);
}

int url_check(const char *url, struct err *err)
{
	const char *fault = fault_of(url);

	return fault ? err_set(err, ERR_BAD_VALUE, "\"%.100s\" %s", url, fault) : 0;
}

bool url_same_origin(const char *a, const char *b)
{
	struct authority one, two;

	return !fault_of(a) && !fault_of(b) && !read_authority(a, &one) &&
	       !read_authority(b, &two) && one.port == two.port && one.is_ipv6 == two.is_ipv6 &&
	       one.host_len == two.host_len &&
	       strncasecmp(one.host, two.host, one.host_len) == 0;
}

bool url_is_of(const char *url, const struct url_origins *origins)
{
	if (url_same_origin(url, origins->base))
		return true;
	for (size_t i = 0; i < origins->n_more; i++)
		if (url_same_origin(url, origins->more[i]))
			return true;
	return false;
}

bool url_is_origin(const char *url)
{
	const char *rest = url + strlen(SCHEME);

	if (fault_of(url))
		return false;
	rest += strcspn(rest, "/?#");
	return !*rest || str_is(rest, "/");
}

const char *url_host(const char *url, char out[256])
{
	struct authority authority;

	out[0] = 0;
	if (read_authority(url, &authority))
		return out;
	for (size_t i = 0; i < authority.host_len; i++) {
		char c = authority.host[i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out[authority.host_len] = 0;
	return out;
}
