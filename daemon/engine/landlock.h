/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ENGINE_LANDLOCK_H
#define CERTD_DAEMON_ENGINE_LANDLOCK_H

#include <stddef.h>

struct buf;
struct err;

/*
 * The landlock part of the sandbox (daemon/engine/sandbox.h), on the bare system calls, because
 * the C library has no functions for them.
 *
 * Everything that the running kernel's ABI can forbid and that is known here is forbidden:
 * every access to files but reading beneath `readable`, TCP ports but ephemeral ones to bind,
 * signals and abstract sockets across its border.  Connecting is free: the world is what the
 * engine is for. A newer ABI than ours brings nothing, an older one forbids what it can.
 */

/* The newest ABI whose rights are known here. */
#define LANDLOCK_ABI_KNOWN 6

/*
 * Appends the restrictions that a kernel of this ABI lacks and a newer one has, as words
 * between commas.
 */
void landlock_lacks(int abi, struct buf *out);

/*
 * Needs no-new-privs.  Places that are not there are skipped.  Answers the kernel's ABI, or -1:
 * ERR_NOT_FOUND when the kernel has no landlock or it is off.
 */
int landlock_enter(const char *const *const *lists, size_t n_lists, struct err *err);

#endif
