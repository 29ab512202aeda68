/* SPDX-License-Identifier: MIT */
#include "daemon/link/keeper.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

/* One message that the socket had no room for. */
struct unsent {
	struct list link;
	struct buf text;
};

struct keeper {
	struct loop *loop;
	struct watch watch;
	struct list pending; /* struct keeper_op, waiting for an answer */
	struct list unsent;
	keeper_note_fn *note;
	void (*lost)(const struct err *err, void *data);
	void *data;
	bool is_lost;
	char buffer[KEEPER_MESSAGE_MAX + 1];
};

static void lose(struct keeper *keeper, const struct err *err)
{
	if (keeper->is_lost)
		return;
	keeper->is_lost = true;
	loop_watch_stop(&keeper->watch);
	keeper->lost(err, keeper->data);
}

static void unsent_free(struct unsent *unsent)
{
	list_remove(&unsent->link);
	buf_done(&unsent->text);
	free(unsent);
}

static void flush(struct keeper *keeper)
{
	struct err err;
	int result = 0;

	while (!list_is_empty(&keeper->unsent) && result == 0) {
		struct unsent *first =
			LIST_OF(list_first(&keeper->unsent), struct unsent, link);

		result = keeper_send(
			keeper->watch.fd, first->text.data, first->text.len, -1, &err);
		if (result == 0)
			unsent_free(first);
	}
	if (result < 0)
		lose(keeper, &err);
	else
		loop_watch(keeper->loop, &keeper->watch,
			LOOP_READ | (list_is_empty(&keeper->unsent) ? 0 : LOOP_WRITE));
}

void keeper_put(struct keeper *keeper, const struct buf *text)
{
	bool was_empty = list_is_empty(&keeper->unsent);
	struct err err;
	int result = 1;

	if (keeper->is_lost)
		return;
	if (was_empty)
		result = keeper_send(keeper->watch.fd, text->data, text->len, -1, &err);
	if (result > 0) {
		struct unsent *unsent = mem_new(struct unsent);

		buf_add(&unsent->text, text->data, text->len);
		list_append(&keeper->unsent, &unsent->link);
		if (was_empty)
			loop_watch(keeper->loop, &keeper->watch, LOOP_READ | LOOP_WRITE);
	} else if (result < 0) {
		lose(keeper, &err);
	}
}

/*
 * The keeper ends with an engine that does not keep to the protocol, so strangers' words must
 * not make us.
 */
static int check_text(const struct keeper_op *op, struct err *err)
{
	if (op->text.len <= KEEPER_MESSAGE_MAX && !memchr(op->text.data, 0, op->text.len))
		return 0;
	return err_set(err, ERR_TOO_LARGE,
		"what the keeper would be told for %s has %zu bytes, or is not text",
		request_text(op->request), op->text.len);
}

void keeper_ask(struct keeper *keeper, struct task *task, struct keeper_op *op)
{
	keeper_pend(keeper, keeper_put, &keeper->pending, task, op);
	if (check_text(op, &op->err) == 0) {
		keeper_put(keeper, &op->text);
		return;
	}
	list_remove(&op->pending);
	op_end(&op->op, op->is_soft ? NULL : &op->err);
}

/* An answer without a waiting operation belongs to a cancelled task. */
static void answer(struct keeper *keeper, uint32_t id, size_t len, int fd)
{
	list_each(at, &keeper->pending) {
		struct keeper_op *op = LIST_OF(at, struct keeper_op, pending);

		if (op->id == id) {
			keeper_answer(op, keeper->buffer, len, fd);
			return;
		}
	}
	file_closep(&fd);
}

static int take_one(struct keeper *keeper, struct err *err)
{
	char *copy AUTO_FREE = NULL;
	struct keeper_message message;
	size_t len;
	int fd, result;

	result = keeper_receive(
		keeper->watch.fd, keeper->buffer, KEEPER_MESSAGE_MAX, &len, &fd, err);
	if (result != 0)
		return result;
	copy = mem_strndup(keeper->buffer, len);
	if (keeper_message_parse(copy, len, &message, err) < 0) {
		file_closep(&fd);
		return -1;
	}
	if (message.kind == KEEPER_NOTE)
		keeper->note(&message, fd, keeper->data);
	else
		answer(keeper, message.id, len, fd);
	keeper_message_done(&message);
	return 0;
}

static void ready(struct watch *watch, unsigned what)
{
	struct keeper *keeper = CONTAINER_OF(watch, struct keeper, watch);
	struct err err;
	int result = 0;

	if (what & LOOP_WRITE)
		flush(keeper);
	for (int i = 0; i < 64 && result == 0 && !keeper->is_lost; i++)
		result = take_one(keeper, &err);
	if (result < 0)
		lose(keeper, &err);
}

struct keeper *keeper_new(struct loop *loop, int socket, keeper_note_fn *note,
	void (*lost)(const struct err *err, void *data), void *data)
{
	struct keeper *keeper = mem_new(struct keeper);

	keeper->loop = loop;
	keeper->note = note;
	keeper->lost = lost;
	keeper->data = data;
	keeper->watch.fd = socket;
	keeper->watch.ready = ready;
	list_init(&keeper->pending);
	list_init(&keeper->unsent);
	loop_watch(loop, &keeper->watch, LOOP_READ);
	return keeper;
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	loop_watch_stop(&keeper->watch);
	list_each_safe(at, &keeper->unsent)
		unsent_free(LIST_OF(at, struct unsent, link));
	close(keeper->watch.fd);
	free(keeper);
}
