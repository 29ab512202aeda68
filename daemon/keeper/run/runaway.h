/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_RUNAWAY_H
#define CERTD_DAEMON_KEEPER_RUN_RUNAWAY_H

/*
 * A runaway is a process that a command started and that left its process group.
 *
 * A server that a command starts on purpose does that, and stays; but when a command had to be
 * stopped, all its processes go.  They are known by a mark in their environment that no other
 * command has.  One that also cleans its environment escapes, and is harmless: nothing waits
 * for it.  Under systemd the unit's control group does all this.
 */

#define RUNAWAY_VARIABLE "CERTD_COMMAND"
#define RUNAWAY_MARK_LEN 33

/* A fresh mark.  Returns out. */
const char *runaway_mark(char out[RUNAWAY_MARK_LEN]);

/* Kills every process that carries the mark. */
void runaway_kill(const char *mark);

#endif
