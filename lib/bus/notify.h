/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BUS_NOTIFY_H
#define CERTD_LIB_BUS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The notifier reports state to the service manager and takes what it passes: sd_notify(3),
 * sd_watchdog_enabled(3), sd_listen_fds(3). Without a manager the reports have no effect and
 * nothing is passed, so callers need not ask.
 *
 * The manager accepts only the unit's main process (NotifyAccess=main). It calls notify_adopt()
 * once, before it forks or makes a thread: passed descriptors become close-on-exec, and the
 * variables that announce them are removed from the environment.
 */

struct notify {
	int64_t watchdog_ms; /* 0: no watchdog; else call notify_alive() more often than this */
	int listener;        /* the listening stream socket that was passed, or -1 */
};

/*
 * Takes over what the manager passed. `socket` is the configured path: only a listener bound to
 * it is kept, and made non-blocking; other descriptors are closed.
 */
void notify_adopt(const char *socket, struct notify *out);

/*
 * Reports that the service runs (again, after notify_reloading()). `systemctl status` shows
 * `status`; NULL keeps the last one.
 */
void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(const char *status);
void notify_status(const char *status);

/* Resets the watchdog; call it only after real progress. */
void notify_alive(void);

/* Reports the reason of an unwanted end, which the manager keeps. */
void notify_failed(const char *status, int sys);

#endif
