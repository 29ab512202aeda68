/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/json/json.h"

static void walk(const struct json *value, unsigned depth);

static void check_text(const char *text)
{
	char again[INSTANT_TEXT_LEN];
	struct instant at, back;

	assert(str_is_utf8(text, strlen(text)));
	/* RFC 3339 has no years of five digits. */
	if (!instant_parse_rfc3339(text, &at) || !instant_is_set(at))
		return;
	instant_text(at, again);
	assert(!instant_parse_rfc3339(again, &back) || back.s == at.s);
}

static void tell(const char *key, const struct json *value, void *data)
{
	check_text(key);
	walk(value, *(unsigned *)data);
}

static void walk(const struct json *value, unsigned depth)
{
	const char *text = json_text(value);

	if (text)
		check_text(text);
	assert(!(json_is_object(value) && json_is_array(value)));
	if (!json_is_object(value) && !json_is_array(value))
		return;
	assert(++depth <= JSON_DEPTH_MAX && !text);
	json_each(value, tell, &depth);
	for (size_t i = 0; i < json_n(value); i++)
		walk(json_at(value, i), depth);
}

/* An accepted document is a tree within its bounds, of UTF-8 texts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json *root AUTO_JSON = NULL;
	struct err err = ERR_INIT;

	if (json_read((const char *)data, len, &root, &err) < 0) {
		assert(!root && err.text[0]);
		assert(err.code == ERR_BAD_VALUE || err.code == ERR_TOO_LARGE);
		return 0;
	}
	assert(json_is_object(root) || json_is_array(root));
	walk(root, 0);
	return 0;
}
