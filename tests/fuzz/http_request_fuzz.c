/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/http_request.h"

/* Any bytes as a request to the responder, received at once or in pieces. */

static void check(enum http_request request, const char *path, const char *whole, size_t len)
{
	size_t n;

	if (request == HTTP_REQUEST_MORE)
		assert(len < HTTP_REQUEST_MAX);
	if (request == HTTP_REQUEST_MORE || request == HTTP_REQUEST_BAD)
		return;
	assert(request == HTTP_REQUEST_GET ? str_starts(whole, "GET ")
					   : str_starts(whole, "HEAD "));
	n = strlen(path);
	assert(path[0] == '/' && n < len && strcspn(path, " \t\r\n\v\f") == n);
	/* The path is a part of the first line. */
	assert(memmem(whole, (size_t)(strstr(whole, "\r\n") - whole), path, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *whole AUTO_FREE = mem_zalloc(len + 1), *again AUTO_FREE = mem_zalloc(len + 1);
	char *bits AUTO_FREE = mem_zalloc(len + 1);
	const char *path = NULL, *other = NULL;
	enum http_request request, bit = HTTP_REQUEST_MORE;
	size_t n = 0;

	memcpy(whole, data, len);
	memcpy(again, data, len);
	request = http_request_read(again, len, &path);
	check(request, path, whole, len);
	/* Pieces give the same result, no earlier; only a refusal may come earlier. */
	while (bit == HTTP_REQUEST_MORE && n < len) {
		size_t step = 1 + (n * 7 + len) % 13;

		step = step < len - n ? step : len - n;
		memcpy(bits + n, data + n, step);
		n += step;
		bit = http_request_read(bits, n, &other);
	}
	check(bit, other, whole, n);
	assert(bit == request || (bit == HTTP_REQUEST_BAD && n >= HTTP_REQUEST_MAX));
	if (bit == HTTP_REQUEST_GET || bit == HTTP_REQUEST_HEAD)
		assert(str_is(path, other));
	return 0;
}
