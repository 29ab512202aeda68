/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_LAUNCH_LISTEN_H
#define CERTD_DAEMON_KEEPER_LAUNCH_LISTEN_H

struct err;

/*
 * The listening control socket where systemd did not hand one over (lib/bus/notify.h): made at the
 * configured path with mode 0666, because roles are decided by the peer's credentials.  A socket
 * file that a daemon left behind is replaced; one that is served, and any other kind of file, is an
 * error and stays.  The descriptor is the caller's.
 */
int listen_control(const char *path, int *out, struct err *err);

/* Removes the socket file that listen_control() made; an inherited or foreign one stays. */
void listen_remove(void);

#endif
