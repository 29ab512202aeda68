/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/reload.h"

#include <stddef.h>

#include "daemon/conf/conf.h"
#include "daemon/keeper/loop/events.h"
#include "daemon/keeper/run/units.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/bus/bus.h"

struct reload {
	struct commands *commands;
	const struct target_conf *target;
	struct command_spec spec;
	size_t at; /* the step that runs */
	struct command *command;
	struct bus_call *call;
	struct event_timer timer; /* begins the first step, and ends without one */
	command_done *done;
	void *data;
};

static void reload_free(struct reload *reload)
{
	events_stop_timer(commands_events(reload->commands), &reload->timer);
	free(reload);
}

static void finish(struct reload *reload, const struct err *err)
{
	command_done *done = reload->done;
	void *data = reload->data;
	struct err copy = *err;

	reload_free(reload);
	done(data, &copy);
}

static void begin_step(struct reload *reload);

static void step_ended(struct reload *reload, const struct err *err)
{
	if (err_is_set(err)) {
		finish(reload, err);
		return;
	}
	reload->at++;
	begin_step(reload);
}

static void command_ended(void *data, const struct err *err)
{
	struct reload *reload = data;
	struct err told = *err;

	reload->command = NULL;
	if (err_is_set(err))
		told.code = ERR_RELOAD_FAILED;
	step_ended(reload, &told);
}

static void unit_ended(void *data, const struct err *err)
{
	struct reload *reload = data;

	reload->call = NULL;
	step_ended(reload, err);
}

static void begin_unit(struct reload *reload, const struct reload_conf *step)
{
	static const enum bus_verb verbs[] = {
		[RELOAD_OR_RESTART] = BUS_RELOAD_OR_RESTART,
		[RELOAD_ONLY] = BUS_RELOAD,
		[RELOAD_RESTART] = BUS_RESTART,
	};
	struct units *units = commands_units(reload->commands);
	struct err err = ERR_INIT;
	struct bus *bus = units_bus(units, &err);

	if (!bus) {
		err_add(&err, "%s", step->unit);
		finish(reload, &err);
		return;
	}
	reload->call = bus_unit_job(bus, verbs[step->action], step->unit,
		reload->spec.limit.s > 0 ? reload->spec.limit : COMMAND_LIMIT, unit_ended,
		reload);
	units_watch(units);
}

static void begin_step(struct reload *reload)
{
	struct err nothing = ERR_INIT;
	const struct reload_conf *step;

	if (reload->at == reload->target->n_reload) {
		finish(reload, &nothing);
		return;
	}
	step = &reload->target->reload[reload->at];
	if (step->unit) {
		begin_unit(reload, step);
	} else {
		reload->spec.words = &step->command;
		reload->command =
			command_start(reload->commands, &reload->spec, command_ended, reload);
	}
}

static void begin(void *data)
{
	begin_step(data);
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
	reload->timer.fired = begin;
	reload->timer.data = reload;
	events_set_timer_in(commands_events(commands), &reload->timer, 0);
	return reload;
}

void reload_cancel(struct reload *reload)
{
	if (!reload)
		return;
	command_cancel(reload->command);
	bus_cancel(reload->call);
	units_watch(commands_units(reload->commands));
	reload_free(reload);
}
