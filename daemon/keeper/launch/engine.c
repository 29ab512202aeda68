/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/keeper/launch/privileges.h"
#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

/*
 * States: the engine runs, and its socket is watched, from engine_start() on.  A message that
 * the socket does not take waits as an unsent packet, which is freed when it was sent.  The end
 * of the socket sets is_cut and starts the timer `lingering`, which kills an engine that
 * hangs.  The end of the process, or an error of the socket, sets is_lost and calls `lost`
 * once.
 */
struct unsent {
	struct list link;
	struct buf packet;
	int fd;
};

static void unsent_free(struct unsent *unsent)
{
	list_remove(&unsent->link);
	buf_done(&unsent->packet);
	file_closep(&unsent->fd);
	free(unsent);
}

static void lose(struct engine *engine, const struct err *err)
{
	if (engine->is_lost)
		return;
	engine->is_lost = true;
	loop_watch_stop(&engine->socket);
	engine->lost(engine->data, err);
}

/* It did not end with its socket, so it hangs. */
static void linger(struct timer *timer)
{
	engine_kill(CONTAINER_OF(timer, struct engine, lingering));
}

/*
 * The socket has ended.  How the engine did is told by its status, which comes at once or not
 * at all.
 */
static void hang_up(struct engine *engine)
{
	if (engine->is_lost || engine->is_cut)
		return;
	engine->is_cut = true;
	loop_watch_stop(&engine->socket);
	loop_timer_in(engine->loop, &engine->lingering, ENGINE_LINGER_MS);
}

/* An engine that has ended, perhaps because we asked it to, hears nothing more. */
static void cannot_send(struct engine *engine, const struct err *err)
{
	if (err->sys == EPIPE || err->sys == ECONNRESET)
		hang_up(engine);
	else
		lose(engine, err);
}

/*
 * Messages for an engine that does not read are bounded, and only one of them has a descriptor,
 * wherever it waits.
 */
static bool is_heard(const struct engine *engine)
{
	return !engine->is_lost && !engine->is_cut && !engine->is_unread &&
	       engine->n_unsent_files == 0 && engine->n_unsent < ENGINE_UNSENT_MAX;
}

static void watch(struct engine *engine)
{
	bool has_to_send = !list_is_empty(&engine->unsent) && !engine->is_unread;

	if (!engine->is_cut)
		loop_watch(engine->loop, &engine->socket,
			(is_heard(engine) ? LOOP_READ : 0) | (has_to_send ? LOOP_WRITE : 0));
}

/*
 * Messages in the socket are memory of the keeper, and a descriptor in one may stand for many
 * megabytes.  So one is sent only when all before it were read: as many as are on their way is
 * one.
 */
static bool may_send(const struct engine *engine, int fd)
{
	int unread = 0;

	return fd < 0 || ioctl(engine->socket.fd, SIOCOUTQ, &unread) < 0 || unread == 0;
}

/*
 * The kernel tells when there is room, not when there is nothing.  An engine that listens has
 * read it within a millisecond; one that does not is looked at less often.
 */
static void wait_until_read(struct engine *engine)
{
	int ms = engine->pause_ms ? 2 * engine->pause_ms : 1;

	engine->is_unread = true;
	engine->pause_ms = ms < ENGINE_UNREAD_MS ? ms : ENGINE_UNREAD_MS;
	loop_timer_in(engine->loop, &engine->unread, engine->pause_ms);
}

static void flush(struct engine *engine)
{
	struct err err;
	int result = 0;

	engine->is_unread = false;
	while (!list_is_empty(&engine->unsent) && result == 0) {
		struct unsent *first =
			LIST_OF(list_first(&engine->unsent), struct unsent, link);

		if (!may_send(engine, first->fd)) {
			wait_until_read(engine);
			break;
		}
		engine->pause_ms = 0;
		result = keeper_send(engine->socket.fd, first->packet.data, first->packet.len,
			first->fd, &err);
		if (result == 0) {
			engine->n_unsent_files -= first->fd >= 0;
			unsent_free(first);
			engine->n_unsent--;
		}
	}
	if (result < 0)
		cannot_send(engine, &err);
	else
		watch(engine);
}

static void look_again(struct timer *timer)
{
	struct engine *engine = CONTAINER_OF(timer, struct engine, unread);

	if (!engine->is_lost && !engine->is_cut)
		flush(engine);
}

void engine_send(struct engine *engine, const struct buf *packet, int fd)
{
	struct unsent *unsent;
	struct err err;
	int result = 1;

	if (engine->is_lost || engine->is_cut)
		return;
	if (list_is_empty(&engine->unsent) && may_send(engine, fd))
		result = keeper_send(engine->socket.fd, packet->data, packet->len, fd, &err);
	if (result < 0)
		cannot_send(engine, &err);
	if (result <= 0)
		return;
	unsent = mem_new(struct unsent);
	buf_add(&unsent->packet, packet->data, packet->len);
	unsent->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	engine->n_unsent_files += unsent->fd >= 0;
	list_append(&engine->unsent, &unsent->link);
	if (engine->n_unsent++ == 0 && !may_send(engine, fd))
		wait_until_read(engine);
	watch(engine);
}

/* A descriptor is never sent to us. */
static int take_one(struct engine *engine, struct err *err)
{
	size_t len;
	int result = keeper_receive(
		engine->socket.fd, engine->buffer, KEEPER_MESSAGE_MAX, &len, NULL, err);

	if (result == 0)
		engine->packet(engine->data, engine->buffer, len);
	return result;
}

static void ready(struct watch *watch, unsigned what)
{
	struct engine *engine = CONTAINER_OF(watch, struct engine, socket);
	struct err err;
	int result = 0;

	if (what & LOOP_WRITE)
		flush(engine);
	for (int i = 0; i < 64 && result == 0 && is_heard(engine); i++)
		result = take_one(engine, &err);
	if (result < 0)
		hang_up(engine);
}

static void ended(struct loop_child *child)
{
	struct engine *engine = CONTAINER_OF(child, struct engine, child);
	struct err err = ERR_INIT;
	int status = 0;

	/*
	 * Its last words may still lie in the socket. A child of it may hold the socket, too, and
	 * would go on for ever.
	 */
	(void)shutdown(engine->socket.fd, SHUT_RD);
	while (!engine->is_lost && !engine->is_refused && take_one(engine, &err) == 0)
		;
	err = (struct err)ERR_INIT;
	loop_timer_stop(engine->loop, &engine->lingering);
	loop_child_reap(&engine->child, &status);
	if (WIFSIGNALED(status))
		err_set(&err, ERR_KEEPER, "the engine was killed by signal %d",
			WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		err_set(&err, ERR_KEEPER, "the engine ended with status %d",
			WEXITSTATUS(status));
	lose(engine, &err);
}

/*
 * The environment that systemd made for the keeper: its notification socket, its credentials,
 * its watchdog.
 */
static void forget_environment(void)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY",
		"WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
		"FDSTORE", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
}

/* In the child: nothing of the keeper stays but the two descriptors. */
static void become_engine(
	const char *program, const struct privileges *to, int pair, int control, pid_t keeper)
{
	const char *const argv[] = { "certd-engine", NULL };
	sigset_t none;
	struct err err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(1); /* the keeper ended before we asked to die with it */
	/* Both out of the way first, because each may lie where the other has to go. */
	pair = fcntl(pair, F_DUPFD_CLOEXEC, 10);
	control = fcntl(control, F_DUPFD_CLOEXEC, 10);
	if (pair < 0 || control < 0 || dup2(pair, ENGINE_KEEPER_FD) < 0 ||
		dup2(control, ENGINE_CONTROL_FD) < 0)
		_exit(1);
	close_range(ENGINE_CONTROL_FD + 1, ~0U, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	forget_environment();
	if (to && privileges_drop(to, &err) < 0) {
		dprintf(STDERR_FILENO, "certd-engine: %s\n", err.text);
		_exit(1);
	}
	/* The kernel forgets the wish when the user changes. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(program, (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "certd: cannot execute %s: errno %d\n", program, errno);
	_exit(1);
}

/*
 * The largest message must fit, whatever the system's default is: a SEQPACKET sends no part of one.
 * No more than that, because what lies in the socket is what an engine that does not listen costs.
 */
static void make_room(int socket)
{
	const int room = (int)KEEPER_MESSAGE_MAX + 65536;
	socklen_t len = sizeof(int);
	int now = 0;

	if (getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &now, &len) == 0 && now >= room)
		return;
	if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

int engine_start(struct engine *engine, struct loop *loop, const char *program,
	const char *user, int control_fd, struct err *err)
{
	struct privileges to;
	pid_t pid, keeper = getpid();
	int pair[2];

	list_init(&engine->unsent);
	if (user && privileges_find(user, &to, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_sys(err, ERR_IO, errno, "cannot make a socket pair");
	make_room(pair[0]);
	make_room(pair[1]);
	engine->loop = loop;
	pid = fork();
	if (pid == 0)
		become_engine(program, user ? &to : NULL, pair[1], control_fd, keeper);
	close(pair[1]);
	engine->socket = (struct watch){ .ready = ready, .fd = pair[0] };
	engine->lingering.fire = linger;
	engine->unread.fire = look_again;
	engine->child.ended = ended;
	if (pid < 0) {
		close(pair[0]);
		return err_sys(err, ERR_IO, errno, "cannot fork");
	}
	loop_watch(loop, &engine->socket, LOOP_READ);
	return loop_child_watch(loop, &engine->child, pid, err);
}

void engine_refuse(struct engine *engine)
{
	engine->is_refused = true;
	hang_up(engine);
	engine_kill(engine);
}

void engine_kill(struct engine *engine)
{
	if (engine->child.pid > 0)
		kill(engine->child.pid, SIGKILL);
}

void engine_done(struct engine *engine)
{
	if (!engine->loop)
		return;
	loop_watch_stop(&engine->socket);
	loop_child_forget(&engine->child);
	loop_timer_stop(engine->loop, &engine->lingering);
	loop_timer_stop(engine->loop, &engine->unread);
	list_each_safe(at, &engine->unsent)
		unsent_free(LIST_OF(at, struct unsent, link));
	if (engine->socket.fd > 0)
		close(engine->socket.fd);
}
