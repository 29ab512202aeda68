/* SPDX-License-Identifier: MIT */
#include "lib/task/process.h"

#include <errno.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/file.h"

/* One report: a zombie stays readable until it is reaped. */
static void on_end(struct watch *watch, unsigned what)
{
	struct loop_child *child = CONTAINER_OF(watch, struct loop_child, watch);

	(void)what;
	loop_watch_stop(watch);
	child->ended(child);
}

int loop_child_watch(struct loop *loop, struct loop_child *child, pid_t pid, struct err *err)
{
	child->pid = pid;
	child->watch = (struct watch){ .ready = on_end, .fd = pidfd_open(pid, 0) };
	if (child->watch.fd < 0)
		return err_sys(err, ERR_IO, errno, "cannot watch process %d", (int)pid);
	child->is_open = true;
	loop_watch(loop, &child->watch, LOOP_READ);
	return 0;
}

void loop_child_forget(struct loop_child *child)
{
	if (!child->is_open)
		return;
	loop_watch_stop(&child->watch);
	file_closep(&child->watch.fd);
	child->is_open = false;
}

int loop_child_reap(struct loop_child *child, int *status)
{
	if (waitpid(child->pid, status, WNOHANG) != child->pid)
		return -1;
	loop_child_forget(child);
	child->pid = 0;
	return 0;
}

static void on_signals(struct watch *watch, unsigned what)
{
	struct loop_signals *signals = CONTAINER_OF(watch, struct loop_signals, watch);
	struct signalfd_siginfo info;

	(void)what;
	if (read(watch->fd, &info, sizeof(info)) == sizeof(info))
		signals->came(signals, (int)info.ssi_signo);
}

int loop_signals_catch(
	struct loop *loop, struct loop_signals *signals, const sigset_t *which, struct err *err)
{
	if (sigprocmask(SIG_BLOCK, which, NULL) < 0)
		return err_sys(err, ERR_IO, errno, "cannot block signals");
	signals->watch = (struct watch){ .ready = on_signals,
		.fd = signalfd(-1, which, SFD_CLOEXEC | SFD_NONBLOCK) };
	if (signals->watch.fd < 0)
		return err_sys(err, ERR_IO, errno, "cannot receive signals");
	signals->is_open = true;
	loop_watch(loop, &signals->watch, LOOP_READ);
	return 0;
}

void loop_signals_forget(struct loop_signals *signals)
{
	if (!signals->is_open)
		return;
	loop_watch_stop(&signals->watch);
	file_closep(&signals->watch.fd);
	signals->is_open = false;
}
