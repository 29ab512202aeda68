#ifndef CERTD_LIB_BUS_CALL_H
#define CERTD_LIB_BUS_CALL_H

#include <systemd/sd-bus.h>

#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/bus/bus.h"

struct err;

/*
 * What bus.c (connection, jobs of units) and run.c (transient units) share; nobody else includes it.
 *
 * A call is in bus->calls from its start to its end.  Its slot is its pending method call, which
 * libsystemd forgets when the slot is released, so that no answer can find a call that is gone.
 */

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
	char *job; /* its object path, once known */
	struct tick deadline;
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

/* The job of a transient unit has ended (run.c). */
void bus_run_ended(struct bus_call *call);

/* Kills the unit of a call that ends early, and lets systemd forget it (run.c). */
void bus_run_kill(struct bus_call *call);

#endif
