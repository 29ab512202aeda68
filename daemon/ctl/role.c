/* SPDX-License-Identifier: MIT */
#include "daemon/ctl/role.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/job/fleet.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

/* As many as the kernel allows a process to have. */
enum { GROUPS_MAX = 65536 };

static int read_groups(int fd, struct peer *peer, struct err *err)
{
	socklen_t len = 16 * sizeof(gid_t);

	for (;;) {
		socklen_t size = len;

		if (size > GROUPS_MAX * sizeof(gid_t))
			return err_set(err, ERR_TOO_LARGE, "the peer is in too many groups");
		peer->groups = mem_grow(peer->groups, size, 1);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len) == 0)
			break;
		if (errno == ENOPROTOOPT) {
			/* An old kernel: the one group of its credentials has to do. */
			len = 0;
			break;
		}
		if (errno != ERANGE || len <= size)
			return err_sys(err, ERR_IO, errno, "the groups of the peer");
	}
	peer->n_groups = len / sizeof(gid_t);
	return 0;
}

int peer_read(int fd, struct peer *out, struct err *err)
{
	struct peer peer = { .groups = NULL };
	struct ucred ucred;
	socklen_t len = sizeof(ucred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &len) != 0)
		return err_sys(err, ERR_IO, errno, "the credentials of the peer");
	peer.uid = ucred.uid;
	peer.gid = ucred.gid;
	peer.pid = ucred.pid;
	if (read_groups(fd, &peer, err)) {
		peer_done(&peer);
		return -1;
	}
	*out = peer;
	return 0;
}

void peer_done(struct peer *peer)
{
	free(peer->groups);
	peer->groups = NULL;
	peer->n_groups = 0;
}

static bool is_in_group(const struct peer *peer, gid_t gid)
{
	if (peer->gid == gid)
		return true;
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == gid)
			return true;
	return false;
}

static bool is_among(const struct peer *peer, const struct principals *principals)
{
	for (size_t i = 0; i < principals->n; i++) {
		const struct principal *principal = &principals->at[i];

		if (!principal->is_known)
			continue;
		if (principal->is_group ? is_in_group(peer, principal->id)
					: peer->uid == principal->id)
			return true;
	}
	return false;
}

enum role peer_role(const struct peer *peer, const struct ctl *ctl)
{
	const struct conf *conf = ctl->fleet->conf;

	if (peer->uid == 0 || (ctl->is_own_admin && peer->uid == ctl->own_uid))
		return ROLE_ADMIN;
	if (is_among(peer, &conf->admin))
		return ROLE_ADMIN;
	if (is_among(peer, &conf->operate))
		return ROLE_OPERATE;
	return is_among(peer, &conf->observe) ? ROLE_OBSERVE : ROLE_NONE;
}
