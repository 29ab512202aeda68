#include "lib/bus/bus.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/bus/call.h"

bool bus_is_booted(void)
{
	return sd_booted() > 0;
}

/* Ends a call with an error that is filled already. */
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
	sd_bus_slot_unref(call->slot);
	free(call->unit);
	free(call->job);
	free(call);
}

int bus_error(struct err *err, const char *unit, const sd_bus_error *error, int sys)
{
	if (error && error->message)
		return err_set(err, ERR_UNIT_FAILED, "%s: %s", unit, error->message);
	return err_sys(err, ERR_UNIT_FAILED, -sys, "%s: systemd does not answer", unit);
}

static struct bus_call *find_job(struct bus *bus, const char *job)
{
	list_each(at, &bus->calls) {
		struct bus_call *call = LIST_OF(at, struct bus_call, link);

		if (call->job && strcmp(call->job, job) == 0)
			return call;
	}
	return NULL;
}

/*
 * JobRemoved(u id, o job, s unit, s result).  The reply that names our job comes before the signal
 * of its end, because both come from the same sender in order.
 */
static int job_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct bus *bus = data;
	const char *job, *unit, *result;
	struct bus_call *call;
	struct err err = ERR_INIT;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
		return 0;
	call = find_job(bus, job);
	if (!call)
		return 0;
	if (call->run_done) {
		bus_run_ended(call);
		return 0;
	}
	/* Skipped: nothing runs that would have to read anything. */
	if (strcmp(result, "done") != 0 && strcmp(result, "skipped") != 0)
		err_set(&err, ERR_UNIT_FAILED, "%s: the job ended with \"%s\"", call->unit,
			result);
	bus_fail(call, &err);
	return 0;
}

int bus_open(struct bus **out, struct err *err)
{
	struct bus *bus = mem_new(struct bus);
	int r;

	list_init(&bus->calls);
	r = sd_bus_open_system(&bus->sd);
	if (r >= 0)
		r = sd_bus_match_signal_async(bus->sd, NULL, BUS_MANAGER, BUS_MANAGER_PATH,
			BUS_MANAGER_INTERFACE, "JobRemoved", job_removed, NULL, bus);
	/* Without a subscription systemd does not send the signals of jobs. */
	if (r >= 0)
		r = sd_bus_call_method_async(bus->sd, NULL, BUS_MANAGER, BUS_MANAGER_PATH,
			BUS_MANAGER_INTERFACE, "Subscribe", NULL, NULL, NULL);
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

int bus_fd(struct bus *bus)
{
	return sd_bus_get_fd(bus->sd);
}

uint32_t bus_events(struct bus *bus)
{
	int events = sd_bus_get_events(bus->sd);

	return events < 0 ? POLLIN : (uint32_t)events;
}

bool bus_deadline(struct bus *bus, int64_t *out_ms)
{
	uint64_t at = UINT64_MAX;
	struct timespec now;
	int64_t first = INT64_MAX;

	if (sd_bus_get_timeout(bus->sd, &at) >= 0 && at != UINT64_MAX) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		first = (int64_t)(at / 1000) - (now.tv_sec * 1000 + now.tv_nsec / 1000000) + 1;
	}
	list_each(at_call, &bus->calls) {
		const struct bus_call *call = LIST_OF(at_call, struct bus_call, link);
		int64_t left = call->deadline.ms - clock_tick().ms;

		first = left < first ? left : first;
	}
	if (first == INT64_MAX)
		return false;
	*out_ms = first > 0 ? first : 0;
	return true;
}

static void end_late_calls(struct bus *bus)
{
	int64_t now = clock_tick().ms;
	struct bus_call *late;

	do {
		struct err err = ERR_INIT;

		late = NULL;
		list_each(at, &bus->calls) {
			struct bus_call *call = LIST_OF(at, struct bus_call, link);

			if (call->deadline.ms <= now)
				late = call;
		}
		if (late) {
			if (late->sys < 0)
				bus_error(&err, late->unit, NULL, late->sys);
			else
				err_set(&err, ERR_TIMEOUT,
					"%s: systemd has not finished in time", late->unit);
			if (late->run_done)
				bus_run_kill(late);
			bus_fail(late, &err);
		}
	} while (late);
}

int bus_process(struct bus *bus, struct err *err)
{
	struct list *first;
	int r;

	do
		r = sd_bus_process(bus->sd, NULL);
	while (r > 0);
	if (r == 0) {
		end_late_calls(bus);
		return 0;
	}
	err_sys(err, ERR_UNIT_FAILED, -r, "the system bus is gone");
	while ((first = list_first(&bus->calls)))
		bus_fail(LIST_OF(first, struct bus_call, link), err);
	return -1;
}

/* The answer to a method that starts a job: its object path. */
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
	bus_fail(call, &err);
	return 0;
}

struct bus_call *bus_call_new(struct bus *bus, const char *unit, int64_t limit_ms)
{
	struct bus_call *call = mem_new(struct bus_call);

	call->bus = bus;
	call->unit = mem_strdup(unit);
	call->deadline.ms = clock_tick().ms + limit_ms;
	list_append(&bus->calls, &call->link);
	return call;
}

/* A call that cannot even be sent ends at the next bus_process(), as all others do. */
void bus_call_sent(struct bus_call *call, int r)
{
	if (r >= 0)
		return;
	call->sys = r;
	call->deadline.ms = 0;
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
	bus_call_sent(call, sd_bus_call_method_async(bus->sd, &call->slot, BUS_MANAGER,
				    BUS_MANAGER_PATH, BUS_MANAGER_INTERFACE, methods[verb],
				    bus_job_started, call, "ss", unit, "replace"));
	return call;
}

void bus_cancel(struct bus_call *call)
{
	if (!call)
		return;
	if (call->run_done)
		bus_run_kill(call);
	bus_forget(call);
}
