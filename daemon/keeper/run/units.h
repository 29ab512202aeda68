/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_UNITS_H
#define CERTD_DAEMON_KEEPER_RUN_UNITS_H

#include <stdbool.h>

#include "daemon/keeper/loop/events.h"

struct bus;
struct err;

/*
 * The system bus is a connection inside the keeper's loop: made when first needed, again after
 * it was lost, and watched.  A caller of lib/bus calls units_watch() afterwards.  Owned by
 * struct commands.
 */

struct units {
	struct events *events;
	struct bus *bus;
	struct event_fd fd;
	struct event_timer timer;
	bool is_off; /* never asks systemd */
	bool is_processing;
};

void units_init(struct units *units, struct events *events, bool is_off);
void units_done(struct units *units);

/* The connection; NULL with ERR_UNIT_FAILED where there is none to be had. */
struct bus *units_bus(struct units *units, struct err *err);

/* Asks the bus again what it waits for. */
void units_watch(struct units *units);

#endif
