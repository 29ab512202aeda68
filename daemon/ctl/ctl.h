/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_CTL_H
#define CERTD_DAEMON_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/ctl/ring.h"
#include "lib/base/list.h"
#include "lib/task/loop.h"

struct buf;
struct err;
struct failed_listener;
struct fleet;
struct keeper;
struct runner;

/*
 * The control context is what all sessions of the control socket share: the world that commands
 * look at, the ring of events, and the few things that only the engine's main can do.
 *
 * The engine fills in the first part and calls ctl_init(); from then on every event goes into
 * the ring.  Sessions are made by the server (server.h), or by tests without any socket.
 * Everything the engine gave is borrowed and outlives the last session; the configuration in
 * force is always fleet->conf, so nothing here keeps one.
 *
 * reload() begins to read the configuration again and returns at once; when it is over, whether
 * asked from here or by a signal, the engine calls ctl_reloaded().
 */

struct ctl {
	struct loop *loop;
	struct keeper *keeper;
	struct fleet *fleet;
	struct runner *runner;
	const char *version;
	uid_t own_uid;
	bool is_own_admin; /* the daemon was not started as root: its own user is admin */
	void (*reload)(void *data);
	/* An operator wants work done: failed attempts are repeated at once; may be NULL. */
	void (*look_anew)(void *data);
	void (*metrics)(
		struct buf *out, void *data); /* more lines of Prometheus text; may be NULL */
	void *data;
	int64_t patience_ms; /* with a peer that does not read its answers; 0: a minute */
	int64_t idle_ms;     /* that a peer without a role may stay silent; 0: ten seconds */

	struct ring ring;
	struct list watchers; /* struct answer, of sessions that stream events */
	struct list reloads;  /* struct answer, of sessions that wait for ctl_reloaded() */
	struct timer wake;
	unsigned n_forecasts;                     /* children at work */
	struct failed_listener *failed_listeners; /* failed_listeners.h */
};

/* Begins to listen to the log.  The lists are empty and the ring is, too. */
void ctl_init(struct ctl *ctl);

/* All sessions have ended before. */
void ctl_done(struct ctl *ctl);

/*
 * Answers those who asked for a reload: `err` NULL or without a code when the new configuration
 * is in force.  `diagnostics` are lines of text, each ended by LF, or NULL.
 */
void ctl_reloaded(struct ctl *ctl, const struct err *err, const char *diagnostics);

#endif
