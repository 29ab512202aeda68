/* SPDX-License-Identifier: MIT */
#ifndef CERTD_PROTO_KEEPER_H
#define CERTD_PROTO_KEEPER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/line.h"

struct err;

/*
 * A keeper message is one packet between engine and keeper, over a SEQPACKET pair.
 *
 *	ask ID WORD key=value...         engine to keeper; proto/keeper.def has the words
 *	ok ID key=value...               the answer; rows follow as further lines
 *	err ID code= text= [not-before=] [rows]
 *	note WORD key=value...           keeper to engine, unasked: event, config, stop
 *
 * The engine chooses the number ID; answers may come in any order, because commands and slow
 * keys take time. A descriptor may accompany a message (the configuration, the facts). A
 * message that breaks these rules ends the process that received it, because both ends are
 * parts of certd.
 */

#define KEEPER_MESSAGE_MAX ((size_t)128 * 1024)

enum request {
#define REQUEST(id, word, arguments, help) REQUEST_##id,
#include "proto/keeper.def"
#undef REQUEST
	REQUEST_COUNT
};

const char *request_text(enum request request);

/* The operations signed for an ACME CA: the word of `op=` in a `sign` request. */
enum sign {
#define SIGN(id, word, help) SIGN_##id,
#include "proto/signs.def"
#undef SIGN
	SIGN_COUNT
};

const char *sign_text(enum sign sign);
enum sign sign_parse(const char *word); /* SIGN_COUNT if unknown */

enum keeper_kind { KEEPER_ASK, KEEPER_OK, KEEPER_ERR, KEEPER_NOTE };

struct keeper_message {
	enum keeper_kind kind;
	uint32_t id;          /* unused in a note */
	enum request request; /* of KEEPER_ASK */
	const char *note;     /* of KEEPER_NOTE: its word */
	struct line line;     /* the first line, prefix included */
	char *rows;           /* the lines behind the first, NUL-terminated, or "" */
};

/*
 * Parses a packet in place; text[len] must be writable. The caller calls keeper_message_done().
 */
int keeper_message_parse(char *text, size_t len, struct keeper_message *out, struct err *err);
void keeper_message_done(struct keeper_message *message);

/* Begin a message; the caller adds words with line_add(), and rows after a line_end(). */
void keeper_begin_ask(struct buf *out, uint32_t id, enum request request);
void keeper_begin_ok(struct buf *out, uint32_t id);
void keeper_begin_note(struct buf *out, const char *word);
void keeper_write_err(struct buf *out, uint32_t id, const struct err *err);

/* Reads the error of a KEEPER_ERR. */
void keeper_read_err(const struct keeper_message *message, struct err *err);

/*
 * Send or receive one packet. Sending passes the descriptor `fd` along when >= 0. Both return
 * 0, 1 when the socket would block, or -1 with `err` (ERR_KEEPER with "gone" at the end of
 * file). *fd is a received descriptor that the caller owns, or -1; with a NULL `fd` none is
 * accepted, and a message with one fails.
 */
int keeper_send(int socket, const void *data, size_t len, int fd, struct err *err);
int keeper_receive(
	int socket, char *buffer, size_t size, size_t *len, int *fd, struct err *err);

/*
 * Writes bytes to a sealed anonymous file, to be passed along. Returns a descriptor at its
 * start, or -1.
 */
int keeper_seal(const char *name, const void *data, size_t len, struct err *err);

#endif
