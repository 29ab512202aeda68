/* SPDX-License-Identifier: MIT */
#include "proto/revoke.h"

#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

static const struct {
	const char *word;
	int number;
} reasons[] = {
#define REASON(id, word, number, help) { word, number },
#include "proto/reasons.def"
#undef REASON
};

bool reason_is_known(int64_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].number == number)
			return true;
	return false;
}

int reason_parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_is(reasons[i].word, word))
			return reasons[i].number;
	return -1;
}

void reason_list(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		buf_printf(out, "%s%s",
			i == 0                        ? ""
			: i == ARRAY_LEN(reasons) - 1 ? " or "
						      : ", ",
			reasons[i].word);
}

void mark_dir(const char *socket, struct buf *out)
{
	const char *slash = strrchr(socket, '/');

	if (slash)
		buf_add(out, socket, (size_t)(slash - socket) + 1);
	buf_add_text(out, "revoke");
}

void mark_name(const char *cert, struct buf *out)
{
	for (; *cert; cert++)
		buf_add_char(out, *cert == '/' ? ':' : *cert);
}

void mark_text(const char *cert, const struct version_id *version, struct buf *out)
{
	char id[VERSION_ID_TEXT_LEN];

	buf_printf(out, "%s %s\n", cert, version_id_text(version, id));
}
