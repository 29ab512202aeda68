/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "daemon/keeper/store/info.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

/*
 * An accepted `info` has every field of a version, and recording the roll changes only that
 * field.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, len);
	const struct instant rolled = { INT64_C(1795255200) };
	struct buf after AUTO_BUF = BUF_INIT, value AUTO_BUF = BUF_INIT;
	struct version_facts facts = { .generation = 9 }, again = { .generation = 9 };
	struct err err = ERR_INIT;

	info_value(text, "names", &value);
	info_set_time(text, "rolled", rolled, &after);
	if (info_parse(text, &facts, &err) < 0) {
		assert(err.code == ERR_BROKEN_STORE && err.text[0] && facts.generation == 9);
		return 0;
	}
	assert(info_parse(buf_text(&after), &again, &err) == 0);
	assert(again.rolled.s == rolled.s);
	facts.rolled = rolled;
	assert(memcmp(&facts, &again, sizeof(facts)) == 0);
	return 0;
}
