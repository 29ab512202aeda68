/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/buf.h"
#include "proto/line.h"

static void write_line(const struct line *line, struct buf *out)
{
	for (size_t i = 0; i < line->n; i++) {
		if (line->words[i].key)
			line_add(out, line->words[i].key, line->words[i].value);
		else
			line_add_word(out, line->words[i].value);
	}
}

/*
 * An accepted line, written again, is accepted as the same words and is its own canonical form.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct line line = { 0 }, back = { 0 };
	AUTO_BUF struct buf once = BUF_INIT;
	AUTO_BUF struct buf twice = BUF_INIT;
	struct err err = ERR_INIT;

	if (line_parse_copy(&line, (const char *)data, len, LINE_MAX_LEN, &err) == 0) {
		write_line(&line, &once);
		assert(line_parse_copy(&back, once.data, once.len, SIZE_MAX, &err) == 0);
		assert(back.n == line.n);
		for (size_t i = 0; i < line.n; i++)
			assert(strcmp(line.words[i].value, back.words[i].value) == 0);
		write_line(&back, &twice);
		assert(strcmp(once.data, twice.data) == 0);
	} else {
		assert(line.n == 0 && err.code == ERR_BAD_LINE && err.text[0]);
	}
	line_done(&line);
	line_done(&back);
	return 0;
}
