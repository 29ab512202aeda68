/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/net/header.h"
#include "lib/wire/url.h"

static void check_times(const char *text)
{
	struct instant now = { INT64_C(1795219200) }, last = instant_add(now, HEADER_RETRY_MAX);
	struct instant at = header_retry_after(text, now), date = header_date(text);

	assert(!instant_is_set(at) || (at.s >= now.s && at.s <= last.s));
	assert(!instant_is_set(date) || instant_is_set(at));
}

/* A resolved reference resolves to itself. */
static void check_target(const char *target, const char *base)
{
	struct buf again AUTO_BUF = BUF_INIT;
	struct err err;

	for (const char *p = target; *p; p++)
		assert(*p > 0x20 && *p < 0x7f);
	if (url_check(target, &err) < 0)
		return;
	url_resolve(base, target, &again);
	assert(strcmp(buf_text(&again), target) == 0);
}

static void check_links(const char *text, const char *base)
{
	for (unsigned n = 0;; n++) {
		struct buf target AUTO_BUF = BUF_INIT;

		if (!header_link(text, "alternate", n, base, &target)) {
			assert(target.len == 0);
			return;
		}
		assert(n < strlen(text) && target.len <= URL_MAX + strlen(base));
		check_target(buf_text(&target), base);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, len);

	check_times(text);
	check_links(text, "https://ca.example/acme/cert/1?x=y");
	check_links(text, "https://ca.example");
	assert(!header_type_is(text, "application/json") || strlen(text) >= 16);
	return 0;
}
