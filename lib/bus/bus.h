/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_BUS_H
#define CERTD_LIB_BUS_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/instant.h"

struct err;
struct loop;

/*
 * A bus connection starts jobs of systemd's units, and runs commands as transient units, over
 * the system bus.
 *
 * No function waits. The connection is attached to the loop on sd-event (lib/task/loop_sd.h), and
 * results arrive through callbacks, from the loop only.
 *
 * A call lives until its callback was called or bus_cancel() returned. All calls end with an
 * error when the connection is lost.
 */

struct bus;
struct bus_call;

/* err->code ERR_NONE: success. */
typedef void bus_done(void *data, const struct err *err);

enum bus_verb { BUS_RELOAD_OR_RESTART, BUS_RELOAD, BUS_RESTART };

/* Is systemd the init system of this machine, so that bus_open() can succeed? */
bool bus_is_booted(void);

/*
 * Connects without waiting; -1 when there is no system bus. `lost` is called once when the
 * connection ends by itself, after every open call has been ended; it closes the bus.
 */
int bus_open(struct loop *loop, void (*lost)(void *data), void *data, struct bus **out,
	struct err *err);

/* All open calls end without callbacks. NULL is fine. */
void bus_close(struct bus *bus);

/*
 * Starts one job on one unit. Succeeds when systemd reports the job done and the unit, checked
 * after it, runs or need not run (unit_state.h). Otherwise ERR_UNIT_FAILED with systemd's text,
 * and ERR_TIMEOUT when the job does not end within `limit`.
 */
struct bus_call *bus_unit_job(struct bus *bus, enum bus_verb verb, const char *unit,
	struct duration limit, bus_done *done, void *data);

struct bus_command {
	const char *path; /* absolute */
	char *const *argv;
	char *const *envp;
	int output;        /* standard output and error; owned by the caller */
	const char *about; /* the unit's description */
	struct duration limit;
	struct duration kill_after; /* between TERM and KILL */
};

/* The end of a transient unit, except success. */
struct bus_status {
	bool is_known; /* the process ran and ended; otherwise only err is set */
	bool by_signal;
	bool by_timeout;
	int value; /* exit status or signal */
};

typedef void bus_run_done(void *data, const struct bus_status *status, const struct err *err);

/*
 * Runs a command as root in a transient unit, outside of certd's sandbox, and reports its end.
 * All processes of the unit are gone then.
 */
struct bus_call *bus_run(
	struct bus *bus, const struct bus_command *command, bus_run_done *done, void *data);

/*
 * Sends TERM to all processes of a command's unit, whose own limit goes on; its end is reported
 * as usual.
 */
void bus_terminate(struct bus_call *call);

/*
 * Ends the call without a callback; a command's unit is killed, a unit's job goes on. NULL is
 * fine.
 */
void bus_cancel(struct bus_call *call);

#endif
