/* SPDX-License-Identifier: MIT */
#include "daemon/acme/identity.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/digest.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *identity_of(char *const *names, size_t n, char out[IDENTITY_LEN])
{
	const char **sorted AUTO_FREE = mem_zalloc((n + 1) * sizeof(*sorted));
	struct buf text AUTO_BUF = BUF_INIT;
	uint8_t hash[SHA256_LEN];

	for (size_t i = 0; i < n; i++)
		sorted[i] = names[i];
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !str_is(sorted[i], sorted[i - 1]))
			buf_printf(&text, "%s\n", sorted[i]);
	digest_sha256(buf_text(&text), text.len, hash);
	for (size_t i = 0; i < (IDENTITY_LEN - 1) / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
	return out;
}

/* Is `name` the apex, or does it lie below it? */
static bool lies_below(const char *name, const char *apex)
{
	size_t len = strlen(name), tail = strlen(apex);

	if (tail == 0 || len < tail || !str_is(name + len - tail, apex))
		return false;
	return len == tail || name[len - tail - 1] == '.';
}

static const char *last_labels(const char *name, int n)
{
	const char *at = name + strlen(name);

	while (at > name)
		if (*--at == '.' && --n == 0)
			return at + 1;
	return name;
}

const char *identity_domain(const char *name, const char *apex, char out[IDENTITY_DOMAIN_LEN])
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET6, name, &v6) == 1) {
		memset(v6.s6_addr + 8, 0, 8);
		inet_ntop(AF_INET6, &v6, out, IDENTITY_DOMAIN_LEN);
		return out;
	}
	if (str_starts(name, "*."))
		name += 2;
	if (inet_pton(AF_INET, name, &v4) != 1)
		name = apex && lies_below(name, apex) ? apex : last_labels(name, 2);
	snprintf(out, IDENTITY_DOMAIN_LEN, "%.255s", name);
	return out;
}
