/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_BUF_H
#define CERTD_LIB_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

/*
 * A buffer holds bytes, grows as needed and is always NUL-terminated behind its end, so that
 * text can be read from it in place. The owner calls buf_done(), or declares it AUTO_BUF. The
 * caller bounds bytes from outside before it appends them.
 */

struct buf {
	char *data; /* NULL before the first addition */
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

/* Appends a JSON string with its quotes; the text is UTF-8. Control characters are escaped. */
void buf_add_json(struct buf *buf, const char *text);

/* Makes room for `len` more bytes and returns its start; buf->len is not changed. */
char *buf_reserve(struct buf *buf, size_t len);

/* Drops the first `len` bytes. */
void buf_drop(struct buf *buf, size_t len);

/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *buf);
void buf_done(struct buf *buf);

/* The content as text; "" when empty. */
const char *buf_text(const struct buf *buf);

#endif
