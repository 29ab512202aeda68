/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_RUN_SPAWN_H
#define CERTD_DAEMON_KEEPER_RUN_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct err;

/*
 * A spawned child process inherits nothing: it has a session of its own, / as its directory,
 * /dev/null as input, `output` as the rest, default signals, umask 022, no other descriptor.
 * Safe beside threads.
 */

/* The absolute path of a program, looked up in EXPAND_PATH when it has no slash. */
int spawn_find(const char *program, char *out, size_t size, struct err *err);

/*
 * The same for a program about to run: ERR_NOT_ALLOWED when every user can change it
 * (lib/base/trust.h).
 */
int spawn_find_trusted(const char *program, char *out, size_t size, struct err *err);

/*
 * Starts it.  *exec_fd is a pipe that has the errno of execve(2) in it when that failed, and the
 * caller closes it; see spawn_exec_error().
 */
int spawn(const char *path, char *const *argv, char *const *envp, int output, pid_t *pid,
	int *exec_fd, struct err *err);

/* The errno of a failed execve(2), 0 when it went well.  For a child that has ended. */
int spawn_exec_error(int exec_fd);

/* That errno as the error of the command `about`.  -1. */
int spawn_failed(const char *about, int sys, struct err *err);

#endif
