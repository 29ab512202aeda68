/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "daemon/conf/conf.h"
#include "lib/base/err.h"

/* An accepted configuration packs into the same bytes again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf again AUTO_BUF = BUF_INIT;
	struct conf_files files = { 0 };
	struct err err = ERR_INIT;

	if (conf_files_unpack((const char *)data, len, &files, &err) < 0) {
		assert(err.text[0] && files.n == 0);
		return 0;
	}
	conf_files_pack(&files, &again);
	assert(again.len == len && memcmp(again.data, data, len) == 0);
	conf_files_done(&files);
	return 0;
}
