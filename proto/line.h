/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_LINE_H
#define CERTD_PROTO_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/instant.h"

struct buf;

/*
 * A line is a sequence of words in the one grammar of the control protocol, the keeper's
 * messages and the facts index (proto/protocol.md). This is its only parser and its only
 * writer.
 *
 *	line   = word *( " " word )          without LF, UTF-8, no NUL
 *	word   = value / key "=" value
 *	key    = 1*( a-z 0-9 _ . - )
 *	value  = *( any character but space, quote, controls ) / quoted; not empty in a plain word
 *	quoted = '"' with the escapes \" \\ \n \r \t and \xHH (a control character) '"'
 *
 * A struct line is parsed in place: its words point into the caller's text, which line_parse()
 * changes and which must outlive it; line_parse_copy() keeps a copy instead. Zeroed is empty; a
 * struct line can be parsed into repeatedly and keeps its memory; line_done() frees it. The
 * writers append to a struct buf, put the spaces in between, quote only where needed, and make
 * a valid line from any C string: bytes that are not UTF-8 become U+FFFD. They set no bound;
 * the sender does.
 */

/* The longest line of the control protocol, without its LF. */
#define LINE_MAX_LEN ((size_t)16 * 1024)

struct word {
	const char *key; /* NULL: a plain word */
	char *value;     /* NUL-terminated, escapes resolved, never NULL */
};

struct line {
	struct word *words;
	size_t n;
	size_t size;   /* allocated words */
	char *copy;    /* line_parse_copy(): the text */
	size_t copied; /* its allocated size */
};

/*
 * Parses `len` bytes without LF; text[len] must be writable and becomes NUL. ERR_BAD_LINE when
 * the grammar is broken or the line is longer than `max` bytes; the struct is then empty. There
 * are never more words than bytes.
 */
int line_parse(struct line *line, char *text, size_t len, size_t max, struct err *err);

/* Does the same without changing the text. */
int line_parse_copy(
	struct line *line, const char *text, size_t len, size_t max, struct err *err);
void line_done(struct line *line); /* zeroed is fine */

/* The value of the first word with this key, or NULL. */
const char *line_get(const struct line *line, const char *key);

/* The same; NULL with ERR_BAD_ARGUMENT "KEY is missing" when there is none. */
const char *line_need(const struct line *line, const char *key, struct err *err);

/* The n-th word when it is a plain one, or NULL. */
const char *line_plain(const struct line *line, size_t n);

/* Is there a plain word with this text ("--force") behind the first? */
bool line_has(const struct line *line, const char *text);

/*
 * Read a value. When the key is absent *out is unchanged and the result is 0; -1 with
 * ERR_BAD_ARGUMENT, the sentence beginning with the key, when it is malformed.
 */
int line_get_int(const struct line *line, const char *key, int64_t min, int64_t max,
	int64_t *out, struct err *err);
int line_get_bool(const struct line *line, const char *key, bool *out, struct err *err);
int line_get_instant(
	const struct line *line, const char *key, struct instant *out, struct err *err);
int line_get_duration(
	const struct line *line, const char *key, struct duration *out, struct err *err);

/* Exactly `len` bytes, written as hexadecimal digits. */
int line_get_hex(
	const struct line *line, const char *key, uint8_t *out, size_t len, struct err *err);

/* Appends a plain word, quoted when it would be parsed as key=value otherwise. */
void line_add_word(struct buf *out, const char *text);

/* Appends key=value. The key must be valid. */
void line_add(struct buf *out, const char *key, const char *value);

/* The same with a format. */
void line_addf(struct buf *out, const char *key, const char *fmt, ...) PRINTF(3, 4);
void line_add_int(struct buf *out, const char *key, int64_t value);
void line_add_bool(struct buf *out, const char *key, bool value); /* yes, no */
void line_add_duration(struct buf *out, const char *key, struct duration d);
void line_add_hex(struct buf *out, const char *key, const void *data, size_t len);

/* RFC 3339 UTC; INSTANT_NONE is left out, INSTANT_NEVER is "never". */
void line_add_instant(struct buf *out, const char *key, struct instant t);

/* Ends the line; the next word begins a new one. */
void line_end(struct buf *out);

/* Is it a valid key? */
bool line_key_is_valid(const char *key);

#endif
