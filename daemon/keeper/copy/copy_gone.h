/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_COPY_COPY_GONE_H
#define CERTD_DAEMON_KEEPER_COPY_COPY_GONE_H

struct err;

/*
 * A gone entry is one that is to be removed at a target's place.  It first loses its name: it
 * moves into .certd-gone under a number, so that a directory of which half is removed is never
 * taken for what its name says, and one that cannot be removed (an immutable file, an NFS
 * leftover) blocks no name.  Everything below .certd-gone belongs to certd.  `place` is
 * DIR/GROUP/SERVICE, open.
 */

/* Moves `name` away; its absence is success. */
int copy_gone_take(int place, const char *name, struct err *err);

/* Removes what was moved away; -1 with the first error when something stays. */
int copy_gone_sweep(int place, struct err *err);

#endif
