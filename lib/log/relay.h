/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_LOG_RELAY_H
#define CERTD_LIB_LOG_RELAY_H

#include <stdbool.h>

struct err;
struct iovec;

/*
 * The log relay is a process that hands the entries of another one to journald.
 *
 * journald listens for datagrams at a path, and a process that may make a local datagram
 * socket, or holds one, can send to every other such path: no system call filter sees the
 * address. So a process that shall not forks the relay before it locks itself in, and sends it
 * entries over a connected pair, which leads nowhere else. The relay runs as the same user; it
 * holds the pair and one socket to the journal, and nothing else. It passes on fields, and the
 * journal's library alone chooses where they go.
 *
 * The relay ends when the other end is shut down or its process is gone, after all that was
 * sent before.
 */

enum { RELAY_FIELDS_MAX = 24 };

struct relay_work {
	void (*lock_in)(void); /* called in the relay at its start */
	void (*pass_on)(const struct iovec *fields, int n);
};

int relay_start(const struct relay_work *work, struct err *err);
bool relay_is_running(void);

/* Fields hold no NUL.  false: the relay is gone. */
bool relay_send(const struct iovec *fields, int n);

/* Waits until the relay has passed on everything and has ended. */
void relay_end(void);

#endif
