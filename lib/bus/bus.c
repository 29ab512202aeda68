/* SPDX-License-Identifier: MIT */
#include "lib/bus/bus.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/bus/call.h"
#include "lib/task/loop_sd.h"

bool bus_is_booted(void)
{
	return sd_booted() > 0;
}

/* Ends a call with an error that is already filled. */
void bus_fail(struct bus_call *call, const struct err *err)
{
	static const struct bus_status nothing;

	bus_end(call, &nothing, err);
}

void bus_end(struct bus_call *call, const struct bus_status *status, const struct err *err)
{
	bus_done *done = call->done;
	bus_run_done *run_done = call->run_done;
	void *data = call->data;

	bus_forget(call);
	if (run_done)
		run_done(data, status, err);
	else
		done(data, err);
}

void bus_forget(struct bus_call *call)
{
	list_remove(&call->link);
	loop_timer_stop(call->bus->loop, &call->deadline);
	loop_timer_stop(call->bus->loop, &call->look);
	sd_bus_slot_unref(call->slot);
	free(call->unit);
	free(call->job);
	free(call->result);
	free(call);
}

int bus_error(struct err *err, const char *unit, const sd_bus_error *error, int sys)
{
	if (error && error->message)
		return err_set(err, ERR_UNIT_FAILED, "%s: %s", unit, error->message);
	return err_sys(err, ERR_UNIT_FAILED, -sys, "%s: systemd does not answer", unit);
}

/*
 * JobRemoved(u id, o job, s unit, s result). The reply that names the job arrives before the
 * signal of its end, because both come from the same sender in order. systemd merges jobs on
 * one unit, also those requested by another name of it: all calls with this job path end with
 * it.
 */
static int job_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct bus *bus = data;
	const char *job, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
		return 0;
	/* Neither ends a call: both request the unit's state. */
	list_each(at, &bus->calls) {
		struct bus_call *call = LIST_OF(at, struct bus_call, link);

		if (!call->job || strcmp(call->job, job) != 0)
			continue;
		if (call->run_done)
			bus_run_ended(call);
		else
			bus_job_ended(call, result);
	}
	return 0;
}

/* sd-bus has closed the connection and ended its calls; `lost` frees the bus. */
static int disconnected(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct bus *bus = data;
	struct err err = ERR_INIT;
	struct list *first;

	(void)m;
	(void)error;
	err_set(&err, ERR_UNIT_FAILED, "the system bus is gone");
	while ((first = list_first(&bus->calls)))
		bus_fail(LIST_OF(first, struct bus_call, link), &err);
	bus->lost(bus->data);
	return 0;
}

static int subscribe(struct bus *bus)
{
	int r = sd_bus_match_signal_async(bus->sd, NULL, BUS_MANAGER, BUS_MANAGER_PATH,
		BUS_MANAGER_INTERFACE, "JobRemoved", job_removed, NULL, bus);

	/* sd-bus makes this one itself, and asks no one for it. */
	if (r >= 0)
		r = sd_bus_match_signal_async(bus->sd, NULL, "org.freedesktop.DBus.Local",
			"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
			"Disconnected", disconnected, NULL, bus);
	/* Without a subscription systemd does not send the signals of jobs. */
	if (r >= 0)
		r = sd_bus_call_method_async(bus->sd, NULL, BUS_MANAGER, BUS_MANAGER_PATH,
			BUS_MANAGER_INTERFACE, "Subscribe", NULL, NULL, NULL);
	return r;
}

int bus_open(struct loop *loop, void (*lost)(void *data), void *data, struct bus **out,
	struct err *err)
{
	struct bus *bus = mem_new(struct bus);
	int r;

	list_init(&bus->calls);
	bus->loop = loop;
	bus->lost = lost;
	bus->data = data;
	r = sd_bus_open_system(&bus->sd);
	if (r >= 0)
		r = subscribe(bus);
	if (r >= 0)
		r = sd_bus_attach_event(bus->sd, loop_sd_event(loop), SD_EVENT_PRIORITY_NORMAL);
	if (r < 0) {
		err_sys(err, ERR_UNIT_FAILED, -r, "there is no system bus");
		bus_close(bus);
		return -1;
	}
	*out = bus;
	return 0;
}

void bus_close(struct bus *bus)
{
	struct list *first;

	if (!bus)
		return;
	while ((first = list_first(&bus->calls)))
		bus_forget(LIST_OF(first, struct bus_call, link));
	sd_bus_close(bus->sd);
	sd_bus_unref(bus->sd);
	free(bus);
}

/* The reply to a method that starts a job: its object path. */
int bus_job_started(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct bus_call *call = data;
	struct err err = ERR_INIT;
	const char *job;
	int r = sd_bus_message_get_errno(m);

	(void)error;
	if (r != 0) {
		bus_error(&err, call->unit, sd_bus_message_get_error(m), -r);
	} else {
		r = sd_bus_message_read(m, "o", &job);
		if (r >= 0) {
			call->job = mem_strdup(job);
			return 0;
		}
		bus_error(&err, call->unit, NULL, r);
	}
	if (!call->run_done)
		bus_unit_unref(call);
	bus_fail(call, &err);
	return 0;
}

static void on_deadline(struct timer *timer)
{
	struct bus_call *call = CONTAINER_OF(timer, struct bus_call, deadline);
	struct err err = ERR_INIT;

	if (call->sys < 0)
		bus_error(&err, call->unit, NULL, call->sys);
	else
		err_set(&err, ERR_TIMEOUT, "%s: systemd has not finished in time", call->unit);
	if (call->run_done)
		bus_run_kill(call);
	else
		bus_unit_unref(call);
	bus_fail(call, &err);
}

static void on_look(struct timer *timer)
{
	bus_job_look(CONTAINER_OF(timer, struct bus_call, look));
}

struct bus_call *bus_call_new(struct bus *bus, const char *unit, int64_t limit_ms)
{
	struct bus_call *call = mem_new(struct bus_call);

	call->bus = bus;
	call->unit = mem_strdup(unit);
	call->deadline.fire = on_deadline;
	call->look.fire = on_look;
	loop_timer_in(bus->loop, &call->deadline, limit_ms);
	list_append(&bus->calls, &call->link);
	return call;
}

/* A call that cannot be sent ends from the loop, as all others do. */
void bus_call_sent(struct bus_call *call, int r)
{
	if (r >= 0)
		return;
	call->sys = r;
	loop_timer_in(call->bus->loop, &call->deadline, 0);
}

int bus_read_properties(
	sd_bus_message *m, int (*read)(sd_bus_message *m, void *data), void *data)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read(m, data);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

/*
 * The object path of a unit: each byte except letters and digits becomes "_" and two
 * hexadecimal digits.
 */
static void unit_path(const char *unit, char *out, size_t size)
{
	size_t at = (size_t)snprintf(out, size, "%s/unit/", BUS_MANAGER_PATH);

	for (const char *p = unit; *p && at + 4 < size; p++) {
		bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');

		at += (size_t)snprintf(
			out + at, size - at, is_plain ? "%c" : "_%02x", (unsigned char)*p);
	}
}

/* No reply is requested: the next request reports a unit that does not exist. */
void bus_unit_ref(struct bus_call *call)
{
	sd_bus_call_method_async(call->bus->sd, NULL, BUS_MANAGER, BUS_MANAGER_PATH,
		BUS_MANAGER_INTERFACE, "RefUnit", NULL, NULL, "s", call->unit);
}

void bus_unit_unref(struct bus_call *call)
{
	sd_bus_call_method_async(call->bus->sd, NULL, BUS_MANAGER, BUS_MANAGER_PATH,
		BUS_MANAGER_INTERFACE, "UnrefUnit", NULL, NULL, "s", call->unit);
}

void bus_get_properties(
	struct bus_call *call, const char *interface, sd_bus_message_handler_t came)
{
	char path[4 * UNIT_NAME_MAX];

	sd_bus_slot_unref(call->slot);
	call->slot = NULL;
	unit_path(call->unit, path, sizeof(path));
	bus_call_sent(call, sd_bus_call_method_async(call->bus->sd, &call->slot, BUS_MANAGER,
				    path, "org.freedesktop.DBus.Properties", "GetAll", came,
				    call, "s", interface));
}

void bus_cancel(struct bus_call *call)
{
	if (!call)
		return;
	if (call->run_done)
		bus_run_kill(call);
	else
		bus_unit_unref(call);
	bus_forget(call);
}
