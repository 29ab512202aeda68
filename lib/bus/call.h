/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_CALL_H
#define CERTD_LIB_BUS_CALL_H

#include <systemd/sd-bus.h>

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/bus/bus.h"
#include "lib/task/loop.h"

struct err;

/*
 * A bus call is one method call of bus.c (connection), job.c (jobs of units) or run.c
 * (transient units); no other file includes this header.
 *
 * A call is in bus->calls from its start to its end. Its slot is its pending method call, which
 * libsystemd drops when the slot is released, so that no reply can reach a call that is gone.
 */

/* The longest unit name that systemd accepts. */
#define UNIT_NAME_MAX 256

#define BUS_MANAGER "org.freedesktop.systemd1"
#define BUS_MANAGER_PATH "/org/freedesktop/systemd1"
#define BUS_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

struct bus {
	sd_bus *sd;
	struct loop *loop;
	struct list calls;
	void (*lost)(void *data);
	void *data;
};

struct bus_call {
	struct list link;
	struct bus *bus;
	sd_bus_slot *slot;
	char *unit;
	char *job;    /* its object path, once known; several calls may share one */
	char *result; /* of the unit's job, once it has ended */
	struct timer deadline;
	struct timer look; /* set while the second check of the unit is due */
	bool has_looked;
	int sys;        /* negative: it could not be sent */
	bus_done *done; /* one of the two callbacks is set */
	bus_run_done *run_done;
	void *data;
};

struct bus_call *bus_call_new(struct bus *bus, const char *unit, int64_t limit_ms);
void bus_call_sent(struct bus_call *call, int r);
int bus_job_started(sd_bus_message *m, void *data, sd_bus_error *error);

/* Sets systemd's text, or errno's, as an error. -1. */
int bus_error(struct err *err, const char *unit, const sd_bus_error *error, int sys);

/* End a call with its callback; free a call without it. */
void bus_end(struct bus_call *call, const struct bus_status *status, const struct err *err);
void bus_fail(struct bus_call *call, const struct err *err);
void bus_forget(struct bus_call *call);

/* Calls `read` for each pair of the reply to GetAll; -errno when it is malformed. */
int bus_read_properties(
	sd_bus_message *m, int (*read)(sd_bus_message *m, void *data), void *data);

/* A reference keeps an ended unit and its result loaded. */
void bus_unit_ref(struct bus_call *call);
void bus_unit_unref(struct bus_call *call);

/* Requests the properties of the call's unit; "" as the interface: all of them. */
void bus_get_properties(
	struct bus_call *call, const char *interface, sd_bus_message_handler_t came);

/* Called when the job on a unit has ended: checks the unit, now and once more (job.c). */
void bus_job_ended(struct bus_call *call, const char *result);
void bus_job_look(struct bus_call *call);

/* Called when the job of a transient unit has ended (run.c). */
void bus_run_ended(struct bus_call *call);

/* Kills the unit of a call that ends early, and releases it (run.c). */
void bus_run_kill(struct bus_call *call);

#endif
