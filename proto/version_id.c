/* SPDX-License-Identifier: MIT */
#include "proto/version_id.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

bool version_id_equal(const struct version_id *a, const struct version_id *b)
{
	return a->made.s == b->made.s && a->suffix == b->suffix;
}

int version_id_compare(const struct version_id *a, const struct version_id *b)
{
	if (a->made.s != b->made.s)
		return a->made.s < b->made.s ? -1 : 1;
	return a->suffix == b->suffix ? 0 : a->suffix < b->suffix ? -1 : 1;
}

const char *version_id_text(const struct version_id *id, char out[VERSION_ID_TEXT_LEN])
{
	char made[INSTANT_TEXT_LEN];

	if (version_is_set(id))
		snprintf(out, VERSION_ID_TEXT_LEN, "%.17s-%" PRIu32,
			instant_compact(id->made, made), id->suffix);
	else
		snprintf(out, VERSION_ID_TEXT_LEN, "-");
	return out;
}

int version_id_parse(const char *text, struct version_id *out, struct err *err)
{
	struct version_id id = { INSTANT_NONE, 0 };
	const char *digits;
	char made[17];
	struct err ignored = ERR_INIT;
	int64_t suffix;

	if (strnlen(text, VERSION_ID_TEXT_LEN) < 18 || text[16] != '-')
		goto bad;
	/* A version names a directory, so exactly one spelling is valid. */
	digits = text + 17;
	if (!isdigit((unsigned char)digits[0]) || (digits[0] == '0' && digits[1]) ||
		!str_to_int(digits, 0, UINT32_MAX, &suffix))
		goto bad;
	memcpy(made, text, 16);
	made[16] = 0;
	if (instant_parse(made, &id.made, &ignored) || !instant_is_set(id.made))
		goto bad;
	id.suffix = (uint32_t)suffix;
	*out = id;
	return 0;
bad:
	return err_set(err, ERR_BAD_VALUE, "\"%.40s\" is not a version", text);
}
