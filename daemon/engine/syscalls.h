/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ENGINE_SYSCALLS_H
#define CERTD_DAEMON_ENGINE_SYSCALLS_H

struct err;

/*
 * The seccomp part of the sandbox (daemon/engine/sandbox.h): what the engine may ask of the kernel.
 *
 * One list of calls that are allowed, some only with certain arguments; one list of calls that no
 * honest engine makes, which end the process and leave a trace in the kernel's log.  All else fails
 * with EPERM, so that a library that tries something newer falls back or reports it.
 */

/* Needs no-new-privs.  Holds for all threads made later and all children. */
int syscalls_enter(struct err *err);

/* The same for the log's relay (lib/log/relay.h), which alone has a way to the journal's socket. */
int syscalls_enter_relay(struct err *err);

#endif
