/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_COMMAND_OP_H
#define CERTD_DAEMON_KEEPER_RUN_COMMAND_OP_H

#include "daemon/keeper/run/command.h"
#include "lib/task/task.h"

/*
 * A command operation is a command that a task waits for: it ends with the command's error, and
 * cancelling it kills the command at once.
 */

struct command_op {
	struct op op;
	struct command *command;
};

void command_run(struct task *task, struct command_op *op, struct commands *commands,
	const struct command_spec *spec);

#endif
