/* SPDX-License-Identifier: MIT */
#include "daemon/link/keeper.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/mem.h"

/* The life of one operation, which both implementations of the seam share. */

void keeper_op_done(struct keeper_op *op)
{
	keeper_message_done(&op->answer);
	op->answer = (struct keeper_message){ 0 };
	buf_done(&op->text);
	if (op->id)
		file_closep(&op->fd);
	op->id = 0;
}

void keeper_request(struct keeper_op *op, enum request request)
{
	static uint32_t last_id;

	keeper_op_done(op);
	if (++last_id == 0)
		last_id = 1;
	op->id = last_id;
	op->fd = -1;
	op->request = request;
	op->is_soft = false;
	op->err = (struct err)ERR_INIT;
	keeper_begin_ask(&op->text, op->id, request);
}

/* A hook's work for a job that has ended is dropped. */
static void drop(struct keeper_op *op)
{
	struct buf text AUTO_BUF = BUF_INIT;

	keeper_begin_ask(&text, 0, REQUEST_drop);
	line_add_int(&text, "id", op->id);
	op->put(op->keeper, &text);
}

static void cancel(struct op *op)
{
	struct keeper_op *request = CONTAINER_OF(op, struct keeper_op, op);

	list_remove(&request->pending);
	if (request->request == REQUEST_hook)
		drop(request);
	op_end(op, NULL);
}

void keeper_pend(struct keeper *keeper, keeper_put_fn *put, struct list *pending,
	struct task *task, struct keeper_op *op)
{
	op_begin(&op->op, task, cancel);
	op->keeper = keeper;
	op->put = put;
	list_append(pending, &op->pending);
}

void keeper_answer(struct keeper_op *op, const char *packet, size_t len, int fd)
{
	struct err err = ERR_INIT;

	list_remove(&op->pending);
	op->fd = fd;
	buf_clear(&op->text);
	buf_add(&op->text, packet, len);
	if (keeper_message_parse(op->text.data, op->text.len, &op->answer, &err) == 0 &&
		op->answer.kind == KEEPER_ERR)
		keeper_read_err(&op->answer, &err);
	op->err = err;
	op_end(&op->op, op->is_soft ? NULL : &err);
}

int keeper_facts(const struct keeper_op *op, struct cert_facts *out, struct err *err)
{
	const char *rows = op->answer.rows, *end;
	char *row AUTO_FREE = NULL;

	if (!rows || !*rows)
		return err_set(err, ERR_KEEPER, "the answer to %s has no facts",
			request_text(op->request));
	end = strchr(rows, '\n');
	row = mem_strndup(rows, end ? (size_t)(end - rows) : strlen(rows));
	return facts_parse(row, out, err);
}
