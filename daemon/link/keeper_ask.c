/* SPDX-License-Identifier: MIT */
#include "daemon/link/keeper.h"

/* Ways to ask that both implementations of the seam share. */

void keeper_tell(struct keeper *keeper, enum request request, const char *status)
{
	struct buf text AUTO_BUF = BUF_INIT;

	keeper_begin_ask(&text, 0, request);
	if (status)
		line_add(&text, "status", status);
	keeper_put(keeper, &text);
}

void keeper_ask_soft(struct keeper *keeper, struct task *task, struct keeper_op *op)
{
	op->is_soft = true;
	keeper_ask(keeper, task, op);
}

void keeper_ask_firm(struct keeper *keeper, struct task *task, struct keeper_op *op)
{
	keeper_ask(keeper, task, op);
	op->op.cancel = NULL;
}
