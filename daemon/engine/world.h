/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ENGINE_WORLD_H
#define CERTD_DAEMON_ENGINE_WORLD_H

#include <stdbool.h>

#include "daemon/ctl/ctl.h"
#include "daemon/job/fleet.h"
#include "daemon/job/runner.h"
#include "daemon/job/clock_watch.h"
#include "daemon/job/inform.h"
#include "daemon/job/tidy.h"
#include "daemon/link/keeper.h"
#include "lib/task/task.h"

struct acme;
struct dns;
struct http;
struct responder;
struct server;
struct zones;

/*
 * The one struct that owns the running engine, and how its life goes:
 *
 *   the keeper's first note brings the configuration  -> world_note
 *   its facts are asked for                           -> a task, then fleet_start
 *   the control socket is served, the keeper hears `ready`
 *   another `config` note: the fleet takes it over and asks for the facts anew
 *   a `stop` note, or the keeper's end: jobs are cancelled and awaited, the loop stops
 *
 * Simulations make a world with keeper_direct.c and without a listener.
 */

struct world {
	struct loop *loop;
	struct keeper *keeper;
	struct fleet *fleet; /* NULL until the first configuration is there */
	struct runner *runner;
	struct http *http;           /* borrowed; NULL: no ACME CA can be asked */
	struct dns *dns;             /* borrowed; NULL: no name server can be asked */
	struct responder *responder; /* borrowed; NULL: challenges are not answered here */
	struct zones *zones;
	struct acme *acme;
	struct informer informer;
	struct clock_watch clock_watch;
	struct tidier tidier;
	struct ctl ctl;
	struct server *server; /* NULL in simulations */
	int listener;          /* -1: none */
	struct facts_task {
		struct task task;
		struct keeper_op keeper;
		bool is_running, is_stale; /* stale: another configuration came meanwhile */
	} facts;
	struct keeper_op reload;
	struct task reload_task;
	struct keeper_op retry;
	struct task retry_task;
	bool is_reloading, is_retrying;
	struct world_difference {
		size_t n_added, n_changed, n_removed;
	} difference; /* of the last two configurations */
	struct timer alive;
	int64_t watchdog_ms; /* 0: no watchdog */
	bool is_root, is_ready, is_stopping, has_failed;
	bool is_idle; /* all jobs have ended, and what they asked */
};

void world_init(struct world *world, struct loop *loop, int listener);

/* Connects the world to its keeper (keeper_new with these two). */
void world_note(const struct keeper_message *note, int fd, void *world);
void world_lost(const struct err *err, void *world);

/* Cancels all jobs; the loop stops when the last one has ended. */
void world_stop(struct world *world);
void world_done(struct world *world);

#endif
