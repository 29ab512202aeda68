/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_BUS_H
#define CERTD_LIB_BUS_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/instant.h"

struct err;

/*
 * systemd over the system bus: jobs of units, and commands as transient units.
 *
 * Nothing here waits.  The owner watches bus_fd() for bus_events() until bus_deadline(), calls
 * bus_process() when one of them comes, and asks for all three again after that and after every
 * other call.  Results arrive through callbacks, from bus_process() only.
 *
 * A call lives until its callback was called or bus_cancel() returned; all others end with an error
 * when the connection is lost.
 */

struct bus;
struct bus_call;

/* err->code ERR_NONE: success. */
typedef void bus_done(void *data, const struct err *err);

enum bus_verb { BUS_RELOAD_OR_RESTART, BUS_RELOAD, BUS_RESTART };

/* Has systemd booted this machine, so that bus_open() makes sense? */
bool bus_is_booted(void);

/* Connects without waiting; -1 when there is no system bus. */
int bus_open(struct bus **out, struct err *err);

/* All open calls end silently.  NULL is fine. */
void bus_close(struct bus *bus);

int bus_fd(struct bus *bus);
uint32_t bus_events(struct bus *bus);                /* as in poll(2) */
bool bus_deadline(struct bus *bus, int64_t *out_ms); /* milliseconds from now, 0: at once */

/* Does all that is possible now.  -1 when the connection is lost; every open call has been told. */
int bus_process(struct bus *bus, struct err *err);

/*
 * One job on one unit.  Succeeds when systemd says that the job is done and the unit, looked at
 * after it, runs or is not meant to (unit_state.h).  ERR_UNIT_FAILED with systemd's own words
 * otherwise, ERR_TIMEOUT when there is no end after `limit`.
 */
struct bus_call *bus_unit_job(struct bus *bus, enum bus_verb verb, const char *unit,
	struct duration limit, bus_done *done, void *data);

struct bus_command {
	const char *path; /* absolute */
	char *const *argv;
	char *const *envp;
	int output;        /* standard output and error; stays the caller's */
	const char *about; /* the unit's description */
	struct duration limit;
	struct duration kill_after; /* between TERM and KILL */
};

/* How a transient unit ended, beside success. */
struct bus_status {
	bool is_known; /* the process ran and ended; else only err tells */
	bool by_signal;
	bool by_timeout;
	int value; /* exit status or signal */
};

typedef void bus_run_done(void *data, const struct bus_status *status, const struct err *err);

/*
 * Runs a command in a unit of its own, as root, outside of our sandbox, and tells how it ended.  All
 * processes of the unit are gone then.
 */
struct bus_call *bus_run(
	struct bus *bus, const struct bus_command *command, bus_run_done *done, void *data);

/* Sends TERM to all of a command's unit, which has a limit of its own; its end is told as ever. */
void bus_terminate(struct bus_call *call);

/* Forgets the call; a command's unit is killed, a unit's job goes on.  NULL is fine. */
void bus_cancel(struct bus_call *call);

#endif
