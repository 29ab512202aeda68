/* SPDX-License-Identifier: MIT */
#include "lib/base/text.h"

#include <string.h>

#include "lib/base/buf.h"

/* Text made fit to be shown; text.c judges its characters. */

#define REPLACEMENT_TEXT "\xef\xbf\xbd"

static void show_one(struct buf *out, const char *text, size_t len, uint32_t c)
{
	if (c == '\t' || c == '\r' || c == '\n')
		buf_add_char(out, ' ');
	else if (text_is_control(c))
		buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
	else if (c == TEXT_REPLACEMENT)
		buf_add_text(out, REPLACEMENT_TEXT);
	else
		buf_add(out, text, len);
}

void text_show(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = text_n_plain(text + at, len - at);
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

void text_show_here(char *text, size_t size)
{
	size_t len = strlen(text);
	struct buf shown AUTO_BUF = BUF_INIT;

	if (text_n_plain(text, len) == len)
		return;
	text_show(&shown, text, len == size - 1 ? text_whole(text, len) : len);
	text_cut(&shown, size - 1);
	memcpy(text, buf_text(&shown), shown.len + 1);
}
