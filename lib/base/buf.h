/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_BUF_H
#define CERTD_LIB_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

/*
 * A growing byte buffer that is always NUL-terminated behind its end, so that text can be
 * read from it in place.  The owner calls buf_done(), or declares it AUTO_BUF.  Whoever
 * appends bytes from outside bounds them first.
 */

struct buf {
	char *data; /* NULL while nothing was ever added */
	size_t len, size;
};

#define BUF_INIT                                                                               \
	{                                                                                      \
		NULL, 0, 0                                                                     \
	}
#define AUTO_BUF CLEANUP(buf_done)

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);
void buf_add_hex(struct buf *buf, const void *data, size_t len);

/* A JSON string with its quotes; the text is UTF-8.  No control character survives as itself. */
void buf_add_json(struct buf *buf, const char *text);

/* Makes room for `len` more bytes and returns where they go; buf->len is not changed. */
char *buf_reserve(struct buf *buf, size_t len);

/* Drops the first `len` bytes. */
void buf_drop(struct buf *buf, size_t len);

/* Forgets the content and keeps the memory. */
void buf_clear(struct buf *buf);
void buf_done(struct buf *buf);

/* The content as text; "" when empty. */
const char *buf_text(const struct buf *buf);

#endif
