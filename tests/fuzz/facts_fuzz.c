/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "proto/facts.h"

/* Accepted facts are written and read back unchanged. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, len);
	AUTO_BUF struct buf once = BUF_INIT;
	AUTO_BUF struct buf twice = BUF_INIT;
	struct cert_facts facts, back;
	struct err err = ERR_INIT;

	if (facts_parse(text, &facts, &err)) {
		assert(err.text[0]);
		return 0;
	}
	facts_write(&facts, &once);
	assert(facts_parse(once.data, &back, &err) == 0);
	facts_write(&back, &twice);
	assert(strcmp(once.data, twice.data) == 0);
	facts_done(&facts);
	facts_done(&back);
	return 0;
}
