/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_LAUNCH_PRIVILEGES_H
#define CERTD_DAEMON_KEEPER_LAUNCH_PRIVILEGES_H

#include <sys/types.h>

struct err;

/*
 * A drop of privileges turns root into the engine's user, for good.
 *
 * The keeper looks the user up once, before it forks, because a name service may use locks and
 * threads; the child drops between fork() and exec().  The engine gets the user's own group and
 * no supplementary ones: files that an administrator lets the user `certd` read are meant for
 * the keeper's hooks and targets, not for the process that talks to the network.
 */

/*
 * Processes and threads of the engine's user, that the engine may fill: it needs a few, a
 * stolen one forks as many as there may be.  The limit counts all of the user's, so only a user
 * that root gave to the engine has it.
 */
#define PRIVILEGES_PROCESSES 256

struct privileges {
	uid_t uid;
	gid_t gid;
};

/* The numbers of a user; ERR_NOT_FOUND with a sentence that names it when there is none. */
int privileges_find(const char *user, struct privileges *out, struct err *err);

/*
 * Becomes that user: supplementary groups, group, user, capabilities, and then makes sure that
 * there is no way back.  An ordinary user can only "become" who it is already, and keeps its
 * groups; any other wish is ERR_NO_RIGHTS.  After an error the process must end.
 */
int privileges_drop(const struct privileges *to, struct err *err);

#endif
