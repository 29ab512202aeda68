/* SPDX-License-Identifier: MIT */
#include "proto/message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "proto/line.h"

static const char *const kinds[MESSAGE_OTHER] = { "hello", "row", "ok", "err", "event" };

enum message message_kind(const struct line *line)
{
	const char *first = line_plain(line, 0);

	for (size_t i = 0; first && i < MESSAGE_OTHER; i++)
		if (str_is(kinds[i], first))
			return (enum message)i;
	return MESSAGE_OTHER;
}

void message_hello(struct buf *out, const char *version, enum role role)
{
	line_add_word(out, "hello");
	line_add_word(out, "certd");
	line_add_int(out, "proto", PROTO_VERSION);
	line_add(out, "version", version);
	line_add(out, "role", role_text(role));
	line_end(out);
}

int message_read_hello(const struct line *line, struct hello *out, struct err *err)
{
	const char *name = line_plain(line, 1), *role = line_get(line, "role");
	struct hello hello = { .proto = 0, .role = ROLE_NONE };

	if (message_kind(line) != MESSAGE_HELLO || !name || !str_is(name, "certd"))
		return err_set(err, ERR_BAD_LINE, "the other side does not greet as certd");
	hello.version = line_get(line, "version");
	if (!hello.version)
		hello.version = "";
	if (line_get_int(line, "proto", 1, INT32_MAX, &hello.proto, err) || hello.proto == 0)
		return err_set(err, ERR_BAD_LINE, "the greeting tells no protocol number");
	/* A role of a later version counts as none. */
	if (role)
		role_parse(role, &hello.role);
	*out = hello;
	return 0;
}

void message_row_begin(struct buf *out)
{
	line_add_word(out, "row");
}

void message_text(struct buf *out, const char *text)
{
	message_row_begin(out);
	line_add(out, "text", text);
	line_end(out);
}

void message_ok_begin(struct buf *out)
{
	line_add_word(out, "ok");
}

void message_event_begin(struct buf *out, uint64_t seq, struct instant at, const char *name)
{
	line_add_word(out, "event");
	line_addf(out, "seq", "%" PRIu64, seq);
	line_add_instant(out, "at", at);
	line_add(out, "name", name);
}

void message_err(struct buf *out, const struct err *err)
{
	line_add_word(out, "err");
	line_add_word(out, err_code_text(err->code));
	line_add_word(out, err->text);
	line_add_instant(out, "until", err->not_before);
	line_end(out);
}

void message_read_err(const struct line *line, struct err *out)
{
	const char *word = line_plain(line, 1), *text = line_plain(line, 2);
	struct err ignored = ERR_INIT;
	enum err_code code = word ? err_code_parse(word) : ERR_COUNT;

	if (!text)
		text = "the daemon gave no reason";
	if (code == ERR_COUNT || code == ERR_NONE)
		err_set(out, ERR_INTERNAL, "%s: %s", word ? word : "err", text);
	else
		err_set(out, code, "%s", text);
	line_get_instant(line, "until", &out->not_before, &ignored);
}

void framing_init(struct framing *framing, size_t max)
{
	*framing = (struct framing){ .max = max };
}

void framing_done(struct framing *framing)
{
	free(framing->data);
	*framing = (struct framing){ .max = framing->max };
}

void framing_add(struct framing *framing, const void *data, size_t len)
{
	size_t need;

	if (len == 0)
		return;
	if (framing->at) {
		framing->len -= framing->at;
		memmove(framing->data, framing->data + framing->at, framing->len);
		framing->at = 0;
	}
	need = framing->len + len;
	if (need > framing->size) {
		framing->size = need > framing->size * 2 ? need : framing->size * 2;
		framing->data = mem_grow(framing->data, framing->size, 1);
	}
	memcpy(framing->data + framing->len, data, len);
	framing->len = need;
}

static void framing_clear(struct framing *framing)
{
	framing->at = framing->len = 0;
}

enum framing_result framing_take(struct framing *framing, char **text, size_t *len)
{
	for (;;) {
		char *from, *end;
		size_t left = framing->len - framing->at, line_len;

		if (left == 0)
			return FRAMING_MORE;
		from = framing->data + framing->at;
		end = memchr(from, '\n', left);
		if (framing->is_skipping) {
			if (!end) {
				framing_clear(framing);
				return FRAMING_MORE;
			}
			framing->is_skipping = false;
			framing->at += (size_t)(end - from) + 1;
			continue;
		}
		line_len = end ? (size_t)(end - from) : left;
		if (line_len > framing->max) {
			if (end)
				framing->at += line_len + 1;
			else
				framing_clear(framing);
			framing->is_skipping = !end;
			return FRAMING_TOO_LONG;
		}
		if (!end)
			return FRAMING_MORE;
		framing->at += line_len + 1;
		*text = from;
		*len = line_len;
		return FRAMING_LINE;
	}
}
