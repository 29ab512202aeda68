/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/wire/name.h"

/* An accepted name is bounded and its own canonical form. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, len);
	char once[NAME_MAX_LEN], twice[NAME_MAX_LEN];
	struct err err = ERR_INIT;

	if (name_canonical(text, once, &err) < 0) {
		assert(err.code == ERR_BAD_VALUE && err.text[0]);
		return 0;
	}
	assert(*once && strlen(once) <= 253);
	assert(name_canonical(once, twice, &err) == 0);
	assert(strcmp(once, twice) == 0);
	return 0;
}
