/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "daemon/keeper/publish/journal.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

/* An accepted entry can be undone safely, and is written and read back unchanged. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, len);
	struct buf once AUTO_BUF = BUF_INIT, twice AUTO_BUF = BUF_INIT;
	struct journal_entry entry, again;
	struct err err = ERR_INIT;
	char *copy AUTO_FREE = NULL;

	if (journal_parse("0123456789abcdef", text, &entry, &err) < 0) {
		assert(err_is_set(&err) && err.text[0]);
		return 0;
	}
	assert(!entry.token || !strchr(entry.token, '/'));
	assert(!entry.path || entry.path[0] == '/');
	assert(!entry.zone || (!strchr(entry.zone, '/') && entry.zone[0] != '.'));
	journal_print(&entry, &once);
	copy = mem_strdup(buf_text(&once));
	assert(journal_parse("0123456789abcdef", copy, &again, &err) == 0);
	journal_print(&again, &twice);
	assert(strcmp(buf_text(&once), buf_text(&twice)) == 0);
	journal_entry_done(&entry);
	journal_entry_done(&again);
	return 0;
}
