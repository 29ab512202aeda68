/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/http_request.h"

/* Any bytes as a request to the responder, as they may come: all at once, or bit by bit. */

static void check(enum visit visit, const char *path, const char *whole, size_t len)
{
	size_t n;

	if (visit == VISIT_MORE)
		assert(len < VISIT_HEAD_MAX);
	if (visit == VISIT_MORE || visit == VISIT_BAD)
		return;
	assert(visit == VISIT_GET ? str_starts(whole, "GET ") : str_starts(whole, "HEAD "));
	n = strlen(path);
	assert(path[0] == '/' && n < len && strcspn(path, " \t\r\n\v\f") == n);
	/* Not a byte of it was made up, and it stands in the first line. */
	assert(memmem(whole, (size_t)(strstr(whole, "\r\n") - whole), path, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *whole AUTO_FREE = mem_zalloc(len + 1), *again AUTO_FREE = mem_zalloc(len + 1);
	char *bits AUTO_FREE = mem_zalloc(len + 1);
	const char *path = NULL, *other = NULL;
	enum visit visit, bit = VISIT_MORE;
	size_t n = 0;

	memcpy(whole, data, len);
	memcpy(again, data, len);
	visit = visit_read(again, len, &path);
	check(visit, path, whole, len);
	/* In bits nothing is understood earlier or otherwise; what is refused may only be refused sooner. */
	while (bit == VISIT_MORE && n < len) {
		size_t step = 1 + (n * 7 + len) % 13;

		step = step < len - n ? step : len - n;
		memcpy(bits + n, data + n, step);
		n += step;
		bit = visit_read(bits, n, &other);
	}
	check(bit, other, whole, n);
	assert(bit == visit || (bit == VISIT_BAD && n >= VISIT_HEAD_MAX));
	if (bit == VISIT_GET || bit == VISIT_HEAD)
		assert(str_is(path, other));
	return 0;
}
