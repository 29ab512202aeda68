/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_SESSION_H
#define CERTD_DAEMON_CTL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ctl/role.h"
#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "proto/line.h"
#include "proto/message.h"
#include "proto/request.h"

struct ctl;
struct session;

/*
 * A session is one conversation on the control socket, without the socket: bytes in, bytes out.
 *
 * The transport (server.h, or a test) feeds what it read while session_wants_input(), calls
 * session_pull() until it returns false, sends session->out and drops what it has sent.  A
 * command either writes its rows at once or leaves an answer behind: an object that is asked
 * for a few more rows whenever the queue is short, and that may say it waits.  Then it calls
 * session_wake() when it can go on, which asks the transport to pull again.  So a peer that
 * does not read costs a bounded queue and nothing else, and one that sends a thousand requests
 * at once has them answered one by one, a few steps in each turn of the loop.
 *
 * Nothing here closes a session: the transport does when session_is_over() or when it likes.
 */

/* No more is produced while this much waits to be sent. */
#define SESSION_OUT_LOW ((size_t)64 * 1024)

enum answer_step {
	ANSWER_MORE, /* call again */
	ANSWER_WAIT, /* call again after session_wake() */
	ANSWER_END,  /* ok, or err when `err` was set */
};

/* Embedded in what a command leaves behind. */
struct answer {
	struct session *session;
	struct list link; /* in a list of struct ctl, for those who wait there */
	/* A bounded piece of work: at most some 16 KiB of rows into session->out. */
	enum answer_step (*next)(struct answer *answer, struct err *err);
	void (*free)(struct answer *answer); /* after the end, or when the session is gone */
};

struct session {
	struct ctl *ctl;
	struct peer peer;
	struct framing in;
	struct buf out;
	struct line line;
	struct request_line request; /* in work; valid while its answer lives */
	struct answer *answer;       /* NULL: no request is in work */
	uint64_t n_rows, job;        /* told in `ok`; job 0: none */
	bool has_input_ended;
	bool is_pulled, is_woken;
	void (*wake)(struct session *session); /* the transport's */
};

/* Takes over the peer and greets. */
void session_init(struct session *session, struct ctl *ctl, struct peer *peer,
	void (*wake)(struct session *session));
void session_done(struct session *session);

bool session_wants_input(const struct session *session);
void session_feed(struct session *session, const void *data, size_t len);
void session_end_input(struct session *session);

/*
 * Works for a while.  True: call again when the queue is short; false: only after input or a
 * wake.
 */
bool session_pull(struct session *session);

/* Nothing is in work, nothing is left to send, and no more will come. */
bool session_is_over(const struct session *session);

/* For answers. */
void session_wake(struct session *session);

/* For commands: begins a row, which the caller ends with line_end(); and one that is all text. */
struct buf *session_row(struct session *session);
void session_text(struct session *session, const char *text);

/* For commands: leaves an answer behind. */
void session_answer(struct session *session, struct answer *answer,
	enum answer_step (*next)(struct answer *answer, struct err *err),
	void (*free)(struct answer *answer));

/* The handlers by command; NULL for those of certctl itself. */
typedef int command_handler(struct session *session, struct err *err);
extern command_handler *const command_handlers[COMMAND_COUNT];

#endif
