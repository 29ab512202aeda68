/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>

#include "lib/base/err.h"
#include "lib/base/rand.h"
#include "lib/bus/call.h"

/*
 * Commands as transient units of Type=oneshot: the job that starts the unit ends when the
 * command has ended, and systemd kills its remaining processes. AddRef keeps the unit until its
 * result is read, even after a failure; UnrefUnit releases it.
 */

#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"
#define ANSWER_MARGIN_MS 10000

/*
 * Building a message needs no check of each step: a message in which one failed is poisoned,
 * and sending it fails.
 */
static void add_text(sd_bus_message *m, const char *property, const char *value)
{
	sd_bus_message_append(m, "(sv)", property, "s", value);
}

static void add_time(sd_bus_message *m, const char *property, struct duration value)
{
	sd_bus_message_append(m, "(sv)", property, "t", (uint64_t)value.s * 1000000);
}

static void open_property(sd_bus_message *m, const char *property, const char *type)
{
	sd_bus_message_open_container(m, 'r', "sv");
	sd_bus_message_append(m, "s", property);
	sd_bus_message_open_container(m, 'v', type);
}

static void close_property(sd_bus_message *m)
{
	sd_bus_message_close_container(m);
	sd_bus_message_close_container(m);
}

/* a(sasas): path, arguments, and the flag that keeps "$" in arguments literal. */
static void add_exec(sd_bus_message *m, const char *path, char *const *argv)
{
	open_property(m, "ExecStartEx", "a(sasas)");
	sd_bus_message_open_container(m, 'a', "(sasas)");
	sd_bus_message_open_container(m, 'r', "sasas");
	sd_bus_message_append(m, "s", path);
	sd_bus_message_append_strv(m, (char **)(uintptr_t)argv);
	sd_bus_message_append(m, "as", 1, "no-env-expand");
	sd_bus_message_close_container(m);
	sd_bus_message_close_container(m);
	close_property(m);
}

static void add_environment(sd_bus_message *m, char *const *envp)
{
	open_property(m, "Environment", "as");
	sd_bus_message_append_strv(m, (char **)(uintptr_t)envp);
	close_property(m);
}

static void add_properties(sd_bus_message *m, const struct bus_command *command)
{
	add_text(m, "Description", command->about);
	add_text(m, "Type", "oneshot");
	add_text(m, "CollectMode", "inactive-or-failed");
	sd_bus_message_append(m, "(sv)", "AddRef", "b", 1);
	sd_bus_message_append(m, "(sv)", "DefaultDependencies", "b", 0);
	sd_bus_message_append(m, "(sv)", "UMask", "u", (uint32_t)022);
	add_time(m, "TimeoutStartUSec", command->limit);
	add_time(m, "TimeoutStopUSec", command->kill_after);
	sd_bus_message_append(m, "(sv)", "StandardOutputFileDescriptor", "h", command->output);
	sd_bus_message_append(m, "(sv)", "StandardErrorFileDescriptor", "h", command->output);
	add_environment(m, command->envp);
	add_exec(m, command->path, command->argv);
}

static int send_start(struct bus_call *call, const struct bus_command *command)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(call->bus->sd, &m, BUS_MANAGER, BUS_MANAGER_PATH,
		BUS_MANAGER_INTERFACE, "StartTransientUnit");

	if (r < 0)
		return r;
	sd_bus_message_append(m, "ss", call->unit, "fail");
	sd_bus_message_open_container(m, 'a', "(sv)");
	add_properties(m, command);
	sd_bus_message_close_container(m);
	sd_bus_message_append(m, "a(sa(sv))", 0);
	r = sd_bus_call_async(call->bus->sd, &call->slot, m, bus_job_started, call, 0);
	sd_bus_message_unref(m);
	return r;
}

struct bus_call *bus_run(
	struct bus *bus, const struct bus_command *command, bus_run_done *done, void *data)
{
	struct bus_call *call;
	char unit[64];
	uint64_t r;

	rand_bytes(&r, sizeof(r));
	snprintf(unit, sizeof(unit), "certd-command-%016" PRIx64 ".service", r);
	call = bus_call_new(bus, unit,
		(command->limit.s + command->kill_after.s) * 1000 + ANSWER_MARGIN_MS);
	call->run_done = done;
	call->data = data;
	bus_call_sent(call, send_start(call, command));
	return call;
}

/* Reads one wanted property of the reply to GetAll; others are skipped. */
struct exec_status {
	int32_t code, value;
	bool by_timeout;
};

static int read_property(sd_bus_message *m, void *data)
{
	struct exec_status *out = data;
	const char *name, *text;
	int r = sd_bus_message_read(m, "s", &name);

	if (r < 0)
		return r;
	if (strcmp(name, "ExecMainCode") == 0)
		return sd_bus_message_read(m, "v", "i", &out->code);
	if (strcmp(name, "ExecMainStatus") == 0)
		return sd_bus_message_read(m, "v", "i", &out->value);
	if (strcmp(name, "Result") != 0)
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_read(m, "v", "s", &text);
	if (r >= 0)
		out->by_timeout = strcmp(text, "timeout") == 0;
	return r;
}

static void signal_unit(const struct bus_call *call, int signal)
{
	sd_bus_call_method_async(call->bus->sd, NULL, BUS_MANAGER, BUS_MANAGER_PATH,
		BUS_MANAGER_INTERFACE, "KillUnit", NULL, NULL, "ssi", call->unit, "all",
		signal);
}

void bus_terminate(struct bus_call *call)
{
	signal_unit(call, SIGTERM);
}

void bus_run_kill(struct bus_call *call)
{
	signal_unit(call, SIGKILL);
	bus_unit_unref(call);
}

static int status_came(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct bus_call *call = data;
	struct exec_status exec = { 0 };
	struct bus_status status = { 0 };
	struct err err = ERR_INIT;
	int r = sd_bus_message_get_errno(m);

	(void)error;
	bus_unit_unref(call);
	if (r != 0) {
		bus_error(&err, call->unit, sd_bus_message_get_error(m), -r);
	} else {
		r = bus_read_properties(m, read_property, &exec);
		if (r < 0)
			bus_error(&err, call->unit, NULL, r);
	}
	status.is_known = !err_is_set(&err) && exec.code != 0;
	status.by_signal = exec.code == CLD_KILLED || exec.code == CLD_DUMPED;
	status.by_timeout = exec.by_timeout;
	status.value = exec.value;
	bus_end(call, &status, &err);
	return 0;
}

void bus_run_ended(struct bus_call *call)
{
	free(call->job);
	call->job = NULL;
	bus_get_properties(call, SERVICE_INTERFACE, status_came);
}
