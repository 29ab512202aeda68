/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_ROLE_H
#define CERTD_DAEMON_CTL_ROLE_H

#include <stddef.h>
#include <sys/types.h>

#include "proto/commands.h"

struct conf;
struct ctl;
struct err;

/*
 * A role says what the user at the other end of the control socket may do.
 *
 * The kernel tells user and groups (SO_PEERCRED, SO_PEERGROUPS) as they were when the peer
 * connected; nothing that the peer says counts.  The role follows from the lists of the
 * configuration in force and is asked for at each request, so that a reload may take it away.
 */

struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	gid_t *groups;
	size_t n_groups;
};

/* Reads it from a connected Unix socket.  peer_done() afterwards. */
int peer_read(int fd, struct peer *out, struct err *err);
void peer_done(struct peer *peer); /* zeroed is fine */

/* Root is always admin, the daemon's own user only where ctl->is_own_admin. */
enum role peer_role(const struct peer *peer, const struct ctl *ctl);

#endif
