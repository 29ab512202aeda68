/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ENGINE_SANDBOX_H
#define CERTD_DAEMON_ENGINE_SANDBOX_H

#include <stdbool.h>

struct buf;

/*
 * The sandbox leaves the engine only what it needs to talk.  It reads and writes descriptors
 * that it has, makes sockets of the Internet, timers, threads and forks, and reads the few
 * files that a TLS client needs.  It starts no program, writes no file, makes no local socket,
 * gains no right, and cannot be looked into.
 *
 * sandbox_enter() comes after the daemon's user was taken (daemon/keeper/launch/privileges.h),
 * after the program was executed and its sockets were adopted, and before the first thread and
 * the first byte from outside.  It cannot be undone and holds for every fork, such as the
 * plan's.
 *
 * Protections stand beside each other, and a kernel that lacks one is not refused:
 *
 *   no-new-privs  set-user-id bits and file capabilities are without effect
 *   no-caps       permitted, inheritable, ambient and (where allowed) bounding sets are empty
 *   landlock(ABI) no file is opened but for reading, and only beneath the readable places; no
 *                 TCP port is bound but an ephemeral one; no process outside gets a signal
 *   seccomp       system calls off a list fail with EPERM; the ones that only an attacker
 *                 makes (execve, ptrace, mount, bpf ...) end the process
 *
 * Landlock ties a file's right to its inode: a readable *file* that is replaced later cannot be
 * read any more, one in a readable *directory* can.
 */

/*
 * Locks this process in.  `readable` is a NULL-terminated list of further files and
 * directories, or NULL; what is not there is skipped.  Appends what holds to `out`, in the
 * words above: "no-new-privs no-caps landlock(6) seccomp", and what does not with its reason:
 * "(no landlock: REASON)", or, of an older kernel, "landlock(4) (landlock lacks: ioctl of
 * devices, signals, abstract sockets)".  True when all holds that the kernel has.
 */
bool sandbox_enter(const char *const *readable, struct buf *out);

/* Locks in the log's relay (lib/log/relay.h), which reads no file.  The same answer. */
bool sandbox_enter_relay(struct buf *out);

#endif
