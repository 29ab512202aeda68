/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/units.h"

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/bus/bus.h"
#include "lib/log/log.h"

void units_init(struct units *units, struct events *events, bool is_off)
{
	*units = (struct units){ .events = events, .is_off = is_off };
}

void units_done(struct units *units)
{
	if (!units->events)
		return;
	events_unwatch_fd(units->events, &units->fd);
	events_stop_timer(units->events, &units->timer);
	bus_close(units->bus);
	units->bus = NULL;
}

static void process(struct units *units)
{
	struct err err = ERR_INIT;
	int r;

	units->is_processing = true;
	r = bus_process(units->bus, &err);
	units->is_processing = false;
	if (r < 0) {
		log_debug(NULL, "%s", err.text);
		units_done(units);
		return;
	}
	units_watch(units);
}

static void fd_ready(void *data, uint32_t what)
{
	(void)what;
	process(data);
}

static void timer_fired(void *data)
{
	process(data);
}

struct bus *units_bus(struct units *units, struct err *err)
{
	if (units->bus)
		return units->bus;
	if (units->is_off || !bus_is_booted()) {
		err_set(err, ERR_UNIT_FAILED,
			"there is no system bus, because systemd does not run "
			"here; reload with a command instead");
		return NULL;
	}
	if (bus_open(&units->bus, err) < 0)
		return NULL;
	units->fd =
		(struct event_fd){ .ready = fd_ready, .data = units, .fd = bus_fd(units->bus) };
	units->timer.fired = timer_fired;
	units->timer.data = units;
	units_watch(units);
	return units->bus;
}

void units_watch(struct units *units)
{
	struct err err = ERR_INIT;
	int64_t ms;

	/* Calls from inside a callback of the bus are seen to when it returns. */
	if (!units->bus || units->is_processing)
		return;
	if (events_watch_fd(units->events, &units->fd, bus_events(units->bus), &err) < 0)
		events_set_timer_in(units->events, &units->timer, 1000);
	else if (bus_deadline(units->bus, &ms))
		events_set_timer_in(units->events, &units->timer, ms);
	else
		events_stop_timer(units->events, &units->timer);
}
