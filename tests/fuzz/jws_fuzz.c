/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypt/jws.h"

/* Accepted bytes have one form without padding, which is read back as the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf bytes AUTO_BUF = BUF_INIT, text AUTO_BUF = BUF_INIT,
			 again AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	if (jws_base64_read((const char *)data, len, &bytes, &err) < 0) {
		assert(err.code != ERR_NONE && err.text[0] && bytes.len == 0);
		return 0;
	}
	jws_base64url(&text, bytes.data, bytes.len);
	assert(text.len <= len && !strpbrk(buf_text(&text), "+/="));
	if (jws_base64_read(buf_text(&text), text.len, &again, &err) < 0)
		assert(!"what was written cannot be read");
	assert(again.len == bytes.len);
	assert(again.len == 0 || memcmp(again.data, bytes.data, again.len) == 0);
	return 0;
}
