/* SPDX-License-Identifier: MIT */
#include "proto/line.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* The letters behind a backslash, and their meanings. */
static const char escape_letters[] = "\"\\nrt", escape_means[] = "\"\\\n\r\t";

/* May the byte be part of a key, of a bare value? NUL is part of neither. */
static bool is_key_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
	       c == '_';
}

static bool is_bare_byte(unsigned char c)
{
	return c > ' ' && c != '"' && c != 0x7f;
}

static bool is_control(unsigned char c)
{
	return c < ' ' || c == 0x7f;
}

static struct word *line_grow(struct line *line)
{
	if (line->n == line->size) {
		line->size = line->size ? line->size * 2 : 16;
		line->words = mem_grow(line->words, line->size, sizeof(line->words[0]));
	}
	return &line->words[line->n++];
}

/*
 * Decodes one escape sequence at *from, behind its backslash, to *to. NULL, or what is wrong.
 */
static const char *unescape(const char **from, const char *end, char **to)
{
	const char *p = *from;
	const char *letter;
	uint8_t byte;

	if (p == end)
		return "a quoted word is not closed";
	if (*p == 'x') {
		const char digits[3] = { p + 1 < end ? p[1] : 0, p + 2 < end ? p[2] : 0, 0 };

		if (!str_unhex(digits, &byte, 1) || byte == 0 || !is_control(byte))
			return "\\x is not followed by the two digits of a control character";
		*(*to)++ = (char)byte;
		*from = p + 3;
		return NULL;
	}
	letter = strchr(escape_letters, *p);
	if (!letter)
		return "an unknown escape follows a backslash";
	*(*to)++ = escape_means[letter - escape_letters];
	*from = p + 1;
	return NULL;
}

/*
 * Decodes a quoted value behind its first quote in place: the result is never longer than the
 * source. Moves *from behind the closing quote.
 */
static const char *parse_quoted(const char **from, const char *end, char *to)
{
	const char *p = *from;

	for (;;) {
		const char *wrong;

		if (p == end)
			return "a quoted word is not closed";
		if (*p == '"')
			break;
		if (is_control((unsigned char)*p))
			return "a control character stands in it";
		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		p++;
		wrong = unescape(&p, end, &to);
		if (wrong)
			return wrong;
	}
	*to = 0;
	*from = p + 1;
	return NULL;
}

/* Parses the word at *at and moves *at behind it; the text ends with a NUL at `end`. */
static const char *parse_word(struct line *line, char **at, const char *end)
{
	struct word *word = line_grow(line);
	char *p = *at;
	const char *from, *wrong;

	*word = (struct word){ NULL, p };
	while (is_key_byte((unsigned char)*p))
		p++;
	if (*p == '=' && p > *at) {
		*p++ = 0;
		*word = (struct word){ *at, p };
	}
	while (is_bare_byte((unsigned char)*p))
		p++;
	if (p == end || *p == ' ') {
		if (p == word->value && !word->key)
			return "words are not separated by exactly one space";
		*at = p;
		return NULL;
	}
	if (*p != '"')
		return "a control character stands in it";
	if (p != word->value)
		return "a quote stands within a bare word";
	from = p + 1;
	wrong = parse_quoted(&from, end, p);
	*at += from - *at;
	if (!wrong && *at < end && **at != ' ')
		wrong = "something follows the closing quote of a word";
	return wrong;
}

static const char *parse_words(struct line *line, char *text, const char *end)
{
	char *p = text;

	for (;;) {
		const char *wrong = parse_word(line, &p, end);

		if (wrong)
			return wrong;
		if (p == end)
			return NULL;
		/* Ends a bare word; a quoted one is already ended. */
		*p++ = 0;
	}
}

int line_parse(struct line *line, char *text, size_t len, size_t max, struct err *err)
{
	const char *wrong;

	line->n = 0;
	if (len > max)
		return err_set(err, ERR_BAD_LINE, "the line is longer than %zu bytes", max);
	if (!str_is_utf8(text, len))
		return err_set(err, ERR_BAD_LINE, "the line is not UTF-8 without NUL");
	if (len == 0)
		return err_set(err, ERR_BAD_LINE, "the line is empty");
	text[len] = 0;
	wrong = parse_words(line, text, text + len);
	if (!wrong)
		return 0;
	line->n = 0;
	return err_set(err, ERR_BAD_LINE, "the line is malformed: %s", wrong);
}

int line_parse_copy(
	struct line *line, const char *text, size_t len, size_t max, struct err *err)
{
	line->n = 0;
	if (len > max)
		return err_set(err, ERR_BAD_LINE, "the line is longer than %zu bytes", max);
	if (len >= line->copied) {
		line->copied = len + 1;
		line->copy = mem_grow(line->copy, line->copied, 1);
	}
	if (len)
		memcpy(line->copy, text, len);
	return line_parse(line, line->copy, len, max, err);
}

void line_done(struct line *line)
{
	free(line->words);
	free(line->copy);
	*line = (struct line){ 0 };
}

const char *line_get(const struct line *line, const char *key)
{
	for (size_t i = 0; i < line->n; i++)
		if (line->words[i].key && str_is(line->words[i].key, key))
			return line->words[i].value;
	return NULL;
}

const char *line_need(const struct line *line, const char *key, struct err *err)
{
	const char *value = line_get(line, key);

	if (!value)
		err_set(err, ERR_BAD_ARGUMENT, "%s is missing", key);
	return value;
}

const char *line_plain(const struct line *line, size_t n)
{
	return n < line->n && !line->words[n].key ? line->words[n].value : NULL;
}

bool line_has(const struct line *line, const char *text)
{
	for (size_t i = 1; i < line->n; i++)
		if (!line->words[i].key && str_is(line->words[i].value, text))
			return true;
	return false;
}

int line_get_int(const struct line *line, const char *key, int64_t min, int64_t max,
	int64_t *out, struct err *err)
{
	const char *value = line_get(line, key);

	if (!value || str_to_int(value, min, max, out))
		return 0;
	return err_set(err, ERR_BAD_ARGUMENT,
		"%s: \"%.40s\" is not a number from %" PRId64 " to %" PRId64, key, value, min,
		max);
}

int line_get_bool(const struct line *line, const char *key, bool *out, struct err *err)
{
	const char *value = line_get(line, key);

	if (!value)
		return 0;
	if (!str_is(value, "yes") && !str_is(value, "no"))
		return err_set(err, ERR_BAD_ARGUMENT, "%s: \"%.40s\" is neither yes nor no",
			key, value);
	*out = str_is(value, "yes");
	return 0;
}

/* Puts the key in front of a value parser's sentence, and sets the code of the grammar. */
static int bad_value(const char *key, struct err *err)
{
	err->code = ERR_BAD_ARGUMENT;
	return err_add(err, "%s", key);
}

int line_get_instant(
	const struct line *line, const char *key, struct instant *out, struct err *err)
{
	const char *value = line_get(line, key);

	return value && instant_parse(value, out, err) ? bad_value(key, err) : 0;
}

int line_get_duration(
	const struct line *line, const char *key, struct duration *out, struct err *err)
{
	const char *value = line_get(line, key);

	return value && duration_parse(value, out, err) ? bad_value(key, err) : 0;
}

int line_get_hex(
	const struct line *line, const char *key, uint8_t *out, size_t len, struct err *err)
{
	const char *value = line_get(line, key);

	if (!value || str_unhex(value, out, len))
		return 0;
	return err_set(err, ERR_BAD_ARGUMENT, "%s: the value is not %zu hexadecimal digits",
		key, len * 2);
}

bool line_key_is_valid(const char *key)
{
	for (const char *p = key; *p; p++)
		if (!is_key_byte((unsigned char)*p))
			return false;
	return *key != 0;
}

static void add_escaped(struct buf *out, const char *value)
{
	buf_add_char(out, '"');
	for (const char *p = value; *p; p++) {
		const char *mean = strchr(escape_means, *p);

		if (mean)
			buf_printf(out, "\\%c", escape_letters[mean - escape_means]);
		else if (is_control((unsigned char)*p))
			buf_printf(out, "\\x%02x", (unsigned)*p);
		else
			buf_add_char(out, *p);
	}
	buf_add_char(out, '"');
}

/* The length of the well-formed character at p, which is not the end, or 0. */
static size_t utf8_len(const char *p)
{
	for (size_t len = 1; len <= 4; len++) {
		if (str_is_utf8(p, len))
			return len;
		if (!p[len])
			break;
	}
	return 0;
}

static char *repair_utf8(const char *value)
{
	struct buf fixed = BUF_INIT;

	while (*value) {
		size_t len = utf8_len(value);

		buf_add(&fixed, len ? value : "\xef\xbf\xbd", len ? len : 3);
		value += len ? len : 1;
	}
	return fixed.data;
}

static bool is_bare(const char *value)
{
	for (const char *p = value; *p; p++)
		if (!is_bare_byte((unsigned char)*p))
			return false;
	return true;
}

static void add_value(struct buf *out, const char *value, bool is_quoted)
{
	size_t len = strlen(value);

	if (!str_is_utf8(value, len)) {
		AUTO_FREE char *fixed = repair_utf8(value);

		add_value(out, fixed, is_quoted);
		return;
	}
	if (is_quoted || !is_bare(value))
		add_escaped(out, value);
	else
		buf_add(out, value, len);
}

static void add_gap(struct buf *out)
{
	if (out->len && out->data[out->len - 1] != '\n')
		buf_add_char(out, ' ');
}

/* Would the text be parsed as key=value? */
static bool looks_keyed(const char *text)
{
	const char *p = text;

	while (is_key_byte((unsigned char)*p))
		p++;
	return p > text && *p == '=';
}

void line_add_word(struct buf *out, const char *text)
{
	add_gap(out);
	add_value(out, text, !*text || looks_keyed(text));
}

static void add_key(struct buf *out, const char *key)
{
	assert(line_key_is_valid(key));
	add_gap(out);
	buf_add_text(out, key);
	buf_add_char(out, '=');
}

void line_add(struct buf *out, const char *key, const char *value)
{
	add_key(out, key);
	add_value(out, value, !*value);
}

void line_addf(struct buf *out, const char *key, const char *fmt, ...)
{
	AUTO_FREE char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&value, fmt, ap) < 0)
		mem_exhausted();
	va_end(ap);
	line_add(out, key, value);
}

void line_add_int(struct buf *out, const char *key, int64_t value)
{
	add_key(out, key);
	buf_printf(out, "%" PRId64, value);
}

void line_add_bool(struct buf *out, const char *key, bool value)
{
	line_add(out, key, value ? "yes" : "no");
}

void line_add_duration(struct buf *out, const char *key, struct duration d)
{
	char text[DURATION_TEXT_LEN];

	line_add(out, key, duration_text(d, text));
}

void line_add_hex(struct buf *out, const char *key, const void *data, size_t len)
{
	add_key(out, key);
	buf_add_hex(out, data, len);
}

void line_add_instant(struct buf *out, const char *key, struct instant t)
{
	char text[INSTANT_TEXT_LEN];

	if (instant_is_set(t))
		line_add(out, key, instant_text(t, text));
}

void line_end(struct buf *out)
{
	buf_add_char(out, '\n');
}
