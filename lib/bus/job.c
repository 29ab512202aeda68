/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "lib/base/err.h"
#include "lib/bus/call.h"
#include "lib/bus/unit_state.h"

/*
 * Jobs on units of other services. When the job has ended, the unit itself is checked: a job of
 * Type=simple is done when the process is made, that of a reload when its signal is sent. The
 * unit is checked twice, so that a server that exits because of its new files is noticed.
 */

/* Time for a server to reject its new files. */
#define SETTLE_MS 500

#define UNITS_TEXT_MAX 200

static char *copy_text(sd_bus_message *m, int *r)
{
	const char *text = NULL;

	*r = sd_bus_message_read(m, "v", "s", &text);
	return *r >= 0 ? mem_strdup(text) : NULL;
}

/* The texts of a unit_state, which belong to one reply. */
struct looked {
	struct unit_state state;
	char *active, *sub, *result, *type, *condition;
};

static void looked_done(struct looked *looked)
{
	free(looked->active);
	free(looked->sub);
	free(looked->result);
	free(looked->type);
	free(looked->condition);
}

/* a(sbbsi): name, trigger, negated, parameter, and state, below 0 when it is not met. */
static int read_conditions(sd_bus_message *m, struct looked *looked)
{
	const char *name, *parameter;
	int trigger, negate, met, r;

	r = sd_bus_message_enter_container(m, 'v', "a(sbbsi)");
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "(sbbsi)");
	while (r >= 0 && (r = sd_bus_message_read(m, "(sbbsi)", &name, &trigger, &negate,
				  &parameter, &met)) > 0)
		if (met < 0 && !looked->condition)
			looked->condition =
				mem_printf("%.60s=%s%s%.*s", name, trigger ? "|" : "",
					negate ? "!" : "", UNITS_TEXT_MAX, parameter);
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r >= 0 ? sd_bus_message_exit_container(m) : r;
}

/* as: is there one? */
static int read_any(sd_bus_message *m, bool *out)
{
	const char *text;
	int r = sd_bus_message_enter_container(m, 'v', "as");

	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "s");
	while (r >= 0 && (r = sd_bus_message_read(m, "s", &text)) > 0)
		*out = true;
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r >= 0 ? sd_bus_message_exit_container(m) : r;
}

static int read_bool(sd_bus_message *m, bool *out)
{
	int value = 0, r = sd_bus_message_read(m, "v", "b", &value);

	*out = value != 0;
	return r;
}

static char **text_of(struct looked *looked, const char *name)
{
	const struct {
		const char *name;
		char **text;
	} rows[] = {
		{ "ActiveState", &looked->active },
		{ "SubState", &looked->sub },
		{ "Result", &looked->result },
		{ "Type", &looked->type },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(name, rows[i].name) == 0)
			return &rows[i].text[0];
	return NULL;
}

static int read_property(sd_bus_message *m, void *data)
{
	struct looked *looked = data;
	struct unit_state *state = &looked->state;
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);
	char **text = r >= 0 ? text_of(looked, name) : NULL;

	if (r < 0)
		return r;
	if (text && !*text)
		*text = copy_text(m, &r);
	else if (strcmp(name, "ConditionResult") == 0)
		r = read_bool(m, &state->is_condition_met);
	else if (strcmp(name, "AssertResult") == 0)
		r = read_bool(m, &state->is_assert_met);
	else if (strcmp(name, "ConditionTimestamp") == 0)
		r = sd_bus_message_read(m, "v", "t", &state->condition_time);
	else if (strcmp(name, "AssertTimestamp") == 0)
		r = sd_bus_message_read(m, "v", "t", &state->assert_time);
	else if (strcmp(name, "Conditions") == 0)
		r = read_conditions(m, looked);
	else if (strcmp(name, "TriggeredBy") == 0)
		r = read_any(m, &state->is_triggered);
	else if (strcmp(name, "ExecMainCode") == 0)
		r = sd_bus_message_read(m, "v", "i", &state->exit_code);
	else if (strcmp(name, "ExecMainStatus") == 0)
		r = sd_bus_message_read(m, "v", "i", &state->exit_value);
	else
		r = sd_bus_message_skip(m, "v");
	return r;
}

static int state_came(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct looked looked = { .state = { .job_result = NULL } };
	struct bus_call *call = data;
	struct err err = ERR_INIT;
	int r = sd_bus_message_get_errno(m);

	(void)error;
	if (r != 0) {
		bus_error(&err, call->unit, sd_bus_message_get_error(m), -r);
	} else if ((r = bus_read_properties(m, read_property, &looked)) < 0) {
		bus_error(&err, call->unit, NULL, r);
	} else {
		looked.state.job_result = call->result;
		looked.state.active = looked.active;
		looked.state.sub = looked.sub;
		looked.state.result = looked.result;
		looked.state.type = looked.type;
		looked.state.condition = looked.condition;
		unit_state_judge(&looked.state, call->unit, &err);
	}
	looked_done(&looked);
	if (!err_is_set(&err) && !call->has_looked) {
		call->has_looked = true;
		loop_timer_in(call->bus->loop, &call->look, SETTLE_MS);
	} else {
		bus_unit_unref(call);
		bus_fail(call, &err);
	}
	return 0;
}

void bus_job_ended(struct bus_call *call, const char *result)
{
	free(call->job);
	call->job = NULL;
	call->result = mem_strdup(result);
	bus_job_look(call);
}

void bus_job_look(struct bus_call *call)
{
	bus_get_properties(call, "", state_came);
}

struct bus_call *bus_unit_job(struct bus *bus, enum bus_verb verb, const char *unit,
	struct duration limit, bus_done *done, void *data)
{
	static const char *const methods[] = {
		[BUS_RELOAD_OR_RESTART] = "ReloadOrRestartUnit",
		[BUS_RELOAD] = "ReloadUnit",
		[BUS_RESTART] = "RestartUnit",
	};
	struct bus_call *call = bus_call_new(bus, unit, limit.s * 1000);

	call->done = done;
	call->data = data;
	/*
	 * Without a reference systemd unloads a unit that does not run, and its unmet condition
	 * with it.
	 */
	bus_unit_ref(call);
	bus_call_sent(call, sd_bus_call_method_async(bus->sd, &call->slot, BUS_MANAGER,
				    BUS_MANAGER_PATH, BUS_MANAGER_INTERFACE, methods[verb],
				    bus_job_started, call, "ss", unit, "replace"));
	return call;
}
