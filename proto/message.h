/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_MESSAGE_H
#define CERTD_PROTO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/instant.h"
#include "proto/commands.h"

struct buf;
struct line;

/*
 * A protocol message is a line of the control protocol (proto/protocol.md), written and read by
 * both ends.
 *
 *	server: hello, then per request any number of row and one ok or err; event in a stream
 *	client: requests (proto/request.h)
 *
 * Writers append to a struct buf; those named _begin leave the line open for line_add(), and
 * the caller ends it with line_end(). Readers examine a parsed line. struct framing splits a
 * stream of bytes into lines. Nothing here reads or writes a descriptor.
 */

/* Counts incompatible changes of the protocol only. */
#define PROTO_VERSION 1

enum message {
	MESSAGE_HELLO,
	MESSAGE_ROW,
	MESSAGE_OK,
	MESSAGE_ERR,
	MESSAGE_EVENT,
	MESSAGE_OTHER, /* a request, or a message of a newer version */
};

enum message message_kind(const struct line *line);

/* hello certd proto=1 version=VERSION role=ROLE, whole. */
void message_hello(struct buf *out, const char *version, enum role role);

struct hello {
	int64_t proto;
	const char *version; /* points into the line */
	enum role role;
};

/* ERR_BAD_LINE when it is not a greeting of certd; the caller checks `proto`. */
int message_read_hello(const struct line *line, struct hello *out, struct err *err);

void message_row_begin(struct buf *out);

/* One row of a TEXT answer: row text=TEXT, whole. */
void message_text(struct buf *out, const char *text);
void message_ok_begin(struct buf *out);
void message_event_begin(struct buf *out, uint64_t seq, struct instant at, const char *name);

/* err CODE "sentence" [until=TIME], whole. */
void message_err(struct buf *out, const struct err *err);

/*
 * Reads an `err` line as a struct err; an unknown code becomes ERR_INTERNAL with the word in
 * front of the sentence.
 */
void message_read_err(const struct line *line, struct err *out);

/*
 * Splits bytes into lines. Add bytes with framing_add(), then take lines until there is none. A
 * line longer than `max` is reported once, its bytes are dropped up to its LF, and the stream
 * goes on. At most `max` and the bytes added at once are held.
 */
struct framing {
	char *data;
	size_t len, size, at; /* of data: used, allocated, taken */
	size_t max;
	bool is_skipping;
};

enum framing_result { FRAMING_MORE, FRAMING_LINE, FRAMING_TOO_LONG };

void framing_init(struct framing *framing, size_t max);
void framing_done(struct framing *framing); /* zeroed is fine */
void framing_add(struct framing *framing, const void *data, size_t len);

/*
 * FRAMING_LINE: *text is *len bytes without LF, writable with one byte behind, until the next
 * call.
 */
enum framing_result framing_take(struct framing *framing, char **text, size_t *len);

#endif
