/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/command_op.h"

#include <stddef.h>

static void on_ended(void *data, const struct err *err)
{
	struct command_op *op = data;

	op->command = NULL;
	op_end(&op->op, err);
}

static void cancel(struct op *op)
{
	struct command_op *self = CONTAINER_OF(op, struct command_op, op);

	command_cancel(self->command);
	self->command = NULL;
	op_end(op, NULL);
}

void command_run(struct task *task, struct command_op *op, struct commands *commands,
	const struct command_spec *spec)
{
	op_begin(&op->op, task, cancel);
	op->command = command_start(commands, spec, on_ended, op);
}
