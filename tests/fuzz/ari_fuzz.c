/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/acme/ari.h"
#include "lib/base/err.h"
#include "lib/wire/url.h"
#include "proto/facts.h"

/*
 * Renewal information of a CA (RFC 9773, 4.2): an accepted answer has a window that begins
 * before it ends, a moment in that window, and an explanation that is a displayable URL, or
 * none.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct version_id version = { { 1790000000 }, 1 };
	struct ari_facts facts = { .start = INSTANT_NONE, .end = INSTANT_NONE };
	struct err err = ERR_INIT;
	struct instant moment;

	if (ari_read((const char *)data, size, &facts, &err) < 0) {
		assert(err.code == ERR_BAD_ANSWER && err.text[0]);
		return 0;
	}
	assert(facts.start.s < facts.end.s);
	assert(!facts.url || url_check(facts.url, &err) == 0);
	moment = ari_moment("example.com/web", &version, facts.start, facts.end);
	assert(moment.s >= facts.start.s && moment.s < facts.end.s);
	free(facts.url);
	return 0;
}
