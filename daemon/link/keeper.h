/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_LINK_KEEPER_H
#define CERTD_DAEMON_LINK_KEEPER_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "lib/task/task.h"
#include "proto/facts.h"
#include "proto/keeper.h"

/*
 * The keeper as the engine sees it, and a seam: keeper_socket.c speaks over the socket pair,
 * tests/sim/keeper_direct.c calls the keeper's own code in the same process.
 *
 * A request is an operation of a task:
 *
 * 	keeper_request(&j->keeper, REQUEST_issue);
 * 	line_add(&j->keeper.text, "cert", name);
 * 	AWAIT(keeper_ask(fleet->keeper, task, &j->keeper));
 * 	... keeper_facts(&j->keeper, &facts, &task->err)
 *
 * The answer stays in the operation until the next keeper_request() or keeper_op_done().
 * Cancelling the task does not undo the request: the answer is then thrown away, and what it
 * did is a fact that the next look at the store tells.  Only a hook is ended with the job that
 * asked for it.  Notes come through the callback given to keeper_new().
 */

struct keeper;

/* Sends a message that is not waited for. */
typedef void keeper_put_fn(struct keeper *keeper, const struct buf *text);

struct keeper_op {
	struct op op;
	struct keeper *keeper; /* while pending, */
	keeper_put_fn *put;
	struct list pending; /* as a link in the connection */
	uint32_t id;
	enum request request;
	struct buf text; /* the request, then the answer */
	struct keeper_message answer;
	int fd;       /* a descriptor that came along; -1: none.  Closed with the operation. */
	bool is_soft; /* an error ends up in `err` and is not the task's */
	struct err err;
};

/* Clears the operation and begins its request. */
void keeper_request(struct keeper_op *op, enum request request);

/* Sends it; the task waits. */
void keeper_ask(struct keeper *keeper, struct task *task, struct keeper_op *op);

/* The same, but the task goes on after an error and finds it in op->err. */
void keeper_ask_soft(struct keeper *keeper, struct task *task, struct keeper_op *op);

/* The same as keeper_ask(), but a task that is cancelled meanwhile waits for the answer. */
void keeper_ask_firm(struct keeper *keeper, struct task *task, struct keeper_op *op);
void keeper_op_done(struct keeper_op *op); /* zeroed is fine */

/* The facts that an answer carries in its first row. */
int keeper_facts(const struct keeper_op *op, struct cert_facts *out, struct err *err);

/* Sends without wanting an answer (alive, ready). */
void keeper_tell(struct keeper *keeper, enum request request, const char *status);

typedef void keeper_note_fn(const struct keeper_message *note, int fd, void *data);

/* `lost` is called once when the other end is gone or broke the rules; the engine then ends. */
struct keeper *keeper_new(struct loop *loop, int socket, keeper_note_fn *note,
	void (*lost)(const struct err *err, void *data), void *data);
void keeper_free(struct keeper *keeper);

/*
 * For the two implementations: keeper_pend() makes an operation wait in their list (`put` is their
 * keeper_put()), keeper_answer() gives it its answer and ends it.  keeper_put() sends a message
 * without an answer.
 */
void keeper_pend(struct keeper *keeper, keeper_put_fn *put, struct list *pending,
	struct task *task, struct keeper_op *op);
void keeper_put(struct keeper *keeper, const struct buf *text);
void keeper_answer(struct keeper_op *op, const char *packet, size_t len, int fd);

#endif
