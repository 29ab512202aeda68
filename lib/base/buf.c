/* SPDX-License-Identifier: MIT */
#include "lib/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/text.h"

char *buf_reserve(struct buf *buf, size_t len)
{
	size_t need = buf->len + len + 1;

	if (need < len)
		mem_exhausted();
	if (need > buf->size) {
		size_t size = buf->size ? buf->size * 2 : 64;

		if (size < need)
			size = need;
		buf->data = mem_grow(buf->data, size, 1);
		buf->size = size;
	}
	buf->data[buf->len + len] = 0;
	return buf->data + buf->len;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	char *to = buf_reserve(buf, len);

	if (len)
		memcpy(to, data, len);
	buf->len += len;
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	size_t room = buf->size - buf->len;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	/* There is usually room, so that formatting once is enough. */
	n = vsnprintf(room ? buf->data + buf->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	if ((size_t)n >= room)
		vsnprintf(buf_reserve(buf, (size_t)n), (size_t)n + 1, fmt, again);
	va_end(again);
	buf->len += (size_t)n;
}

void buf_add_hex(struct buf *buf, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		buf_add_char(buf, digits[p[i] >> 4]);
		buf_add_char(buf, digits[p[i] & 15]);
	}
}

void buf_add_json(struct buf *buf, const char *text)
{
	buf_add_char(buf, '"');
	for (size_t n, left = strlen(text); left > 0; text += n, left -= n) {
		uint32_t c;

		n = text_decode(text, left, &c);
		if (c == '"' || c == '\\')
			buf_printf(buf, "\\%c", (int)c);
		else if (text_is_control(c))
			/* JSON allows most of them, but a terminal would execute them. */
			buf_printf(buf, "\\u%04x", (unsigned)c);
		else
			buf_add(buf, text, n);
	}
	buf_add_char(buf, '"');
}

void buf_drop(struct buf *buf, size_t len)
{
	if (len == 0)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
	buf->data[buf->len] = 0;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = 0;
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf)BUF_INIT;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}
