/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_UNITS_H
#define CERTD_DAEMON_KEEPER_RUN_UNITS_H

#include <stdbool.h>

struct bus;
struct err;
struct loop;

/*
 * The system bus is a connection attached to the keeper's loop: made when it is first needed,
 * and again after it was lost.  Owned by struct commands.
 */

struct units {
	struct loop *loop;
	struct bus *bus;
	bool is_off; /* never asks systemd */
};

void units_init(struct units *units, struct loop *loop, bool is_off);
void units_done(struct units *units);

/* The connection; NULL with ERR_UNIT_FAILED where there is none to be had. */
struct bus *units_bus(struct units *units, struct err *err);

#endif
