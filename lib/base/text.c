/* SPDX-License-Identifier: MIT */
#include "lib/base/text.h"

#include <string.h>

#include "lib/base/str.h"

/* The sequence length that the first byte announces; 1 for a byte that cannot be first. */
static size_t promised(unsigned char first)
{
	return first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
}

size_t text_decode(const char *text, size_t len, uint32_t *c)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = promised(*p);

	if (*p < 0x80) {
		*c = *p;
		return 1;
	}
	if (n == 1 || n > len || !str_is_utf8(text, n)) {
		*c = TEXT_REPLACEMENT;
		return 1;
	}
	*c = *p & (0x7fU >> n);
	for (size_t i = 1; i < n; i++)
		*c = *c << 6 | (p[i] & 0x3fU);
	return n;
}

bool text_is_control(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },     /* C0 */
		{ 0x7f, 0x9f },     /* DEL, C1 */
		{ 0x61c, 0x61c },   /* Arabic letter mark */
		{ 0x200e, 0x200f }, /* direction marks */
		{ 0x2028, 0x202e }, /* line, paragraph, embeddings and overrides */
		{ 0x2066, 0x206f }, /* isolates and their deprecated predecessors */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

bool text_is_fit(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		uint32_t c;
		size_t n = text_decode(text, left, &c);

		if (text_is_control(c) || (c == TEXT_REPLACEMENT && n == 1))
			return false;
		text += n;
		left -= n;
	}
	return true;
}

bool text_is_visible(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

size_t text_n_plain(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] <= '~')
		n++;
	return n;
}

size_t text_whole(const char *text, size_t len)
{
	size_t at = len, n;
	uint32_t c;

	while (at > 0 && len - at < 3 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	n = at > 0 ? promised((unsigned char)text[at - 1]) : 1;
	return n > 1 && at - 1 + n > len && text_decode(text + at - 1, len - at + 1, &c) == 1
		       ? at - 1
		       : len;
}
