/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/reload.h"

#include <stddef.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/run/command_op.h"
#include "daemon/keeper/run/units.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/bus/bus.h"

/* A job on a unit as an operation of a task; cancelling it forgets the job, which goes on. */
struct unit_op {
	struct op op;
	struct bus_call *call;
};

struct reload {
	struct task task;
	struct commands *commands;
	const struct target_conf *target;
	struct command_spec spec;
	size_t at; /* the step that runs */
	struct command_op command;
	struct unit_op unit;
	command_done *done; /* NULL: cancelled */
	void *data;
};

static void on_unit_ended(void *data, const struct err *err)
{
	struct unit_op *op = data;

	op->call = NULL;
	op_end(&op->op, err);
}

static void cancel_unit(struct op *op)
{
	struct unit_op *self = CONTAINER_OF(op, struct unit_op, op);

	bus_cancel(self->call);
	self->call = NULL;
	op_end(op, NULL);
}

static void reload_unit(struct reload *reload, const struct reload_conf *step)
{
	static const enum bus_verb verbs[] = {
		[RELOAD_OR_RESTART] = BUS_RELOAD_OR_RESTART,
		[RELOAD_ONLY] = BUS_RELOAD,
		[RELOAD_RESTART] = BUS_RESTART,
	};
	struct err err = ERR_INIT;
	struct bus *bus = units_bus(commands_units(reload->commands), &err);

	op_begin(&reload->unit.op, &reload->task, cancel_unit);
	if (!bus) {
		err_add(&err, "%s", step->unit);
		op_end(&reload->unit.op, &err);
		return;
	}
	reload->unit.call = bus_unit_job(bus, verbs[step->action], step->unit,
		reload->spec.limit.s > 0 ? reload->spec.limit : COMMAND_LIMIT, on_unit_ended,
		&reload->unit);
}

static void begin_step(struct reload *reload, const struct reload_conf *step)
{
	if (step->unit) {
		reload_unit(reload, step);
		return;
	}
	reload->spec.words = &step->command;
	command_run(&reload->task, &reload->command, reload->commands, &reload->spec);
}

static void run(struct task *task)
{
	struct reload *reload = TASK_OF(task, struct reload);

	TASK_BEGIN(task);
	for (; reload->at < reload->target->n_reload; reload->at++)
		AWAIT(begin_step(reload, &reload->target->reload[reload->at]));
	FINALLY
	if (reload->done && err_is_set(&task->err) && !reload->target->reload[reload->at].unit)
		task->err.code = ERR_RELOAD_FAILED;
	TASK_END
}

static void on_end(struct task *task)
{
	struct reload *reload = TASK_OF(task, struct reload);
	command_done *done = reload->done;
	void *data = reload->data;
	struct err err = task->err;

	free(reload);
	if (done)
		done(data, &err);
}

struct reload *reload_start(struct commands *commands, const struct target_conf *target,
	const struct command_spec *spec, command_done *done, void *data)
{
	struct reload *reload = mem_new(struct reload);

	reload->commands = commands;
	reload->target = target;
	reload->spec = *spec;
	reload->done = done;
	reload->data = data;
	task_start(&reload->task, commands_loop(commands), run, on_end);
	return reload;
}

void reload_cancel(struct reload *reload)
{
	if (!reload)
		return;
	reload->done = NULL;
	task_cancel(&reload->task, "cancelled");
}
