/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_CALL_H
#define CERTD_LIB_BUS_CALL_H

#include <systemd/sd-bus.h>

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/bus/bus.h"

struct err;

/*
 * What bus.c (connection), job.c (jobs of units) and run.c (transient units) share; no other file includes it.
 *
 * A call is in bus->calls from its start to its end.  Its slot is its pending method call, which
 * libsystemd forgets when the slot is released, so that no answer can find a call that is gone.
 */

/* systemd takes no longer name of a unit. */
#define UNIT_NAME_MAX 256

#define BUS_MANAGER "org.freedesktop.systemd1"
#define BUS_MANAGER_PATH "/org/freedesktop/systemd1"
#define BUS_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

struct bus {
	sd_bus *sd;
	struct list calls;
};

struct bus_call {
	struct list link;
	struct bus *bus;
	sd_bus_slot *slot;
	char *unit;
	char *job;    /* its object path, once known; other calls may have the same */
	char *result; /* of the job on a unit, once it ended */
	struct tick deadline;
	struct tick look_at; /* when the unit is looked at once more; 0: not now */
	bool has_looked;
	int sys;        /* negative: it could not be sent */
	bus_done *done; /* one of the two */
	bus_run_done *run_done;
	void *data;
};

struct bus_call *bus_call_new(struct bus *bus, const char *unit, int64_t limit_ms);
void bus_call_sent(struct bus_call *call, int r);
int bus_job_started(sd_bus_message *m, void *data, sd_bus_error *error);

/* systemd's words, or errno's, as an error.  -1. */
int bus_error(struct err *err, const char *unit, const sd_bus_error *error, int sys);

/* End a call and tell its owner; free a call and tell nobody. */
void bus_end(struct bus_call *call, const struct bus_status *status, const struct err *err);
void bus_fail(struct bus_call *call, const struct err *err);
void bus_forget(struct bus_call *call);

/* One call of `read` for each pair of the answer to GetAll; -errno when it is not one. */
int bus_read_properties(
	sd_bus_message *m, int (*read)(sd_bus_message *m, void *data), void *data);

/* A reference keeps a unit that has ended, and what is known of its end. */
void bus_unit_ref(struct bus_call *call);
void bus_unit_unref(struct bus_call *call);

/* Asks for the properties of the call's unit; "" as the interface: all of them. */
void bus_get_properties(
	struct bus_call *call, const char *interface, sd_bus_message_handler_t came);

/* The job on a unit has ended: the unit itself is looked at, now and once more (job.c). */
void bus_job_ended(struct bus_call *call, const char *result);
void bus_job_look(struct bus_call *call);

/* The job of a transient unit has ended (run.c). */
void bus_run_ended(struct bus_call *call);

/* Kills the unit of a call that ends early, and lets systemd forget it (run.c). */
void bus_run_kill(struct bus_call *call);

#endif
