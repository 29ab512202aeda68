/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_LAUNCH_ENGINE_H
#define CERTD_DAEMON_KEEPER_LAUNCH_ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "lib/task/process.h"
#include "proto/keeper.h"

struct err;

/*
 * The keeper's end of the socket pair, and the engine's process at the other.
 *
 * engine_start() makes the pair, forks, drops to the engine's user and executes certd-engine
 * with two descriptors: 3 is the pair, 4 the listening control socket.  Packets that come are
 * given to `packet`; packets that go wait in order when the socket is full; while many wait,
 * the engine is not heard. A packet with a descriptor waits until everything before it was
 * read, so that one that reads nothing holds one descriptor's bytes and not hundreds. `lost` is
 * called once when the engine has ended (one that only closed its end is killed); the keeper
 * then ends too.
 */

#define ENGINE_KEEPER_FD 3
#define ENGINE_CONTROL_FD 4
#define ENGINE_LINGER_MS 3000
#define ENGINE_UNSENT_MAX 64
#define ENGINE_UNREAD_MS 16

struct engine {
	struct loop *loop;
	struct watch socket;
	struct loop_child child;
	struct timer lingering; /* between the end of the socket and that of the process */
	struct timer unread;    /* looks whether the engine has read */
	struct list unsent;
	size_t n_unsent, n_unsent_files; /* the second: those with a descriptor */
	void (*packet)(void *data, const char *packet, size_t len);
	void (*lost)(void *data, const struct err *err); /* code ERR_NONE: it ended well */
	void *data;
	bool is_cut; /* the socket has ended; the end of the process tells the rest */
	bool is_lost, is_refused;
	bool is_unread; /* a descriptor waits until all before it was read */
	int pause_ms;   /* how long until that is looked at again; 0: the last one went */
	char buffer[KEEPER_MESSAGE_MAX + 1];
};

/*
 * `user` NULL: stay who we are.  `program`: the path of certd-engine.  *engine is zeroed but
 * for the callbacks.
 */
int engine_start(struct engine *engine, struct loop *loop, const char *program,
	const char *user, int control_fd, struct err *err);

/* fd >= 0 travels along; it is duplicated when the packet has to wait. */
void engine_send(struct engine *engine, const struct buf *packet, int fd);

/* Hears no packet any more, not even those that have come, and ends the process. */
void engine_refuse(struct engine *engine);

/* Ends the process now, if it is still there. */
void engine_kill(struct engine *engine);
void engine_done(struct engine *engine);

#endif
