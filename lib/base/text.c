/* SPDX-License-Identifier: MIT */
#include "lib/base/text.h"

#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"

#define REPLACEMENT 0xfffdU
#define REPLACEMENT_TEXT "\xef\xbf\xbd"

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
		*c = REPLACEMENT;
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

		if (text_is_control(c) || (c == REPLACEMENT && n == 1))
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

static size_t n_plain(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] <= '~')
		n++;
	return n;
}

static void show_one(struct buf *out, const char *text, size_t len, uint32_t c)
{
	if (c == '\t' || c == '\r' || c == '\n')
		buf_add_char(out, ' ');
	else if (text_is_control(c))
		buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
	else if (c == REPLACEMENT)
		buf_add_text(out, REPLACEMENT_TEXT);
	else
		buf_add(out, text, len);
}

void text_show(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = n_plain(text + at, len - at);
		uint32_t c;

		buf_add(out, text + at, n);
		at += n;
		if (at == len)
			break;
		n = text_decode(text + at, len - at, &c);
		show_one(out, text + at, n, c);
		at += n;
	}
}

void text_cut(struct buf *text, size_t most)
{
	size_t len = text->len < most ? text->len : most;

	if (len == text->len)
		return;
	while (len > 0 && ((unsigned char)text->data[len] & 0xc0) == 0x80)
		len--;
	text->len = len;
	text->data[len] = 0;
}

/* Returns the length without a character that was cut in half at the end. */
static size_t without_half(const char *text, size_t len)
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

void text_show_here(char *text, size_t size)
{
	size_t len = strlen(text);
	struct buf shown AUTO_BUF = BUF_INIT;

	if (n_plain(text, len) == len)
		return;
	text_show(&shown, text, len == size - 1 ? without_half(text, len) : len);
	text_cut(&shown, size - 1);
	memcpy(text, buf_text(&shown), shown.len + 1);
}
