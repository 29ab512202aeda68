/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_NOTIFY_H
#define CERTD_LIB_BUS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the main process tells the service manager, and what it was given by it: sd_notify(3),
 * sd_watchdog_enabled(3), sd_listen_fds(3).  Where no manager listens, telling does nothing and nothing is
 * given, so callers never ask.
 *
 * Only the unit's main process is heard (NotifyAccess=main).  It calls notify_adopt() once, before it
 * forks or makes a thread: descriptors that were passed become close-on-exec, and the variables
 * that announce them are taken out of the environment.
 */

struct notify {
	int64_t watchdog_ms; /* 0: nobody watches; else be alive more often than this */
	int listener;        /* the listening stream socket that was handed over, or -1 */
};

/*
 * Takes over what the manager gave.  `socket` is the path that the configuration wants: only a listener
 * bound to it is taken, and never blocks; anything else that was passed is closed.
 */
void notify_adopt(const char *socket, struct notify *out);

/*
 * Up (again, after notify_reloading) and serving.  The sentence stands in `systemctl status`; NULL leaves
 * the one that is there.
 */
void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(const char *status);
void notify_status(const char *status);

/* The watchdog's food: only ever from real progress. */
void notify_alive(void);

/* The reason of an end that is not our wish, kept by the manager. */
void notify_failed(const char *status, int sys);

#endif
