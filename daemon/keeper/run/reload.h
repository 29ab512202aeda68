/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_RELOAD_H
#define CERTD_DAEMON_KEEPER_RUN_RELOAD_H

#include "daemon/keeper/run/command.h"

struct target_conf;

/*
 * A reload makes a server read its new files: the `reload` steps of a target, one after the
 * other, each a job of systemd or a command.  The first step that fails ends it:
 * ERR_RELOAD_FAILED for a command, ERR_UNIT_FAILED for a unit or where there is no system bus
 * to ask.
 *
 * `target` (so the configuration it is of) and what spec->facts and spec->context point at are
 * borrowed until `done` is called, from the loop, exactly once, never from reload_start(), or
 * reload_cancel() returns.  A target without steps succeeds.  spec->words is not used.
 */

struct reload;

struct reload *reload_start(struct commands *commands, const struct target_conf *target,
	const struct command_spec *spec, command_done *done, void *data);

/* A unit job that systemd has begun goes on; its result is dropped.  NULL is fine. */
void reload_cancel(struct reload *reload);

#endif
