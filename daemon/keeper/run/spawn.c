/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/conf/expand.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/trust.h"

/* Where the child keeps the pipe for errno, behind the standard descriptors. */
#define EXEC_FD 3
#define FIRST_FREE_FD 10

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

int spawn_find(const char *program, char *out, size_t size, struct err *err)
{
	const char *dir = EXPAND_PATH;

	if (strchr(program, '/')) {
		if (program[0] != '/')
			return err_set(err, ERR_BAD_VALUE,
				"%s: a program is a name or an absolute path", program);
		if ((size_t)snprintf(out, size, "%s", program) >= size)
			return err_set(err, ERR_TOO_LARGE, "the path of a program is too long");
		return 0;
	}
	while (*dir) {
		int len = (int)strcspn(dir, ":");

		if ((size_t)snprintf(out, size, "%.*s/%s", len, dir, program) < size &&
			is_program(out))
			return 0;
		dir += len + (dir[len] == ':');
	}
	return err_set(err, ERR_NOT_FOUND, "there is no program %s in " EXPAND_PATH, program);
}

int spawn_find_trusted(const char *program, char *out, size_t size, struct err *err)
{
	char why[TRUST_WHY_LEN];

	if (spawn_find(program, out, size, err) < 0)
		return -1;
	if (trust_program(out, why) == TRUST_REFUSED)
		return err_set(err, ERR_NOT_ALLOWED, "%s; it is not run", why);
	return 0;
}

/*
 * After fork() beside threads: system calls only.  sigaction() of glibc refuses the signals
 * that it uses itself, 32 and 33, which a child of GNU make has ignored.  The kernel's
 * structure differs between architectures; in each of them all zeros mean SIG_DFL without
 * flags, and it is smaller than glibc's.
 */
static void reset_signals(void)
{
	static const struct sigaction action;
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		syscall(SYS_rt_sigaction, i, &action, NULL, NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int arrange_descriptors(int null_fd, int output, int exec_fd)
{
	/* Out of the way first: the caller's may stand where ours shall. */
	null_fd = fcntl(null_fd, F_DUPFD, FIRST_FREE_FD);
	output = fcntl(output, F_DUPFD, FIRST_FREE_FD);
	exec_fd = fcntl(exec_fd, F_DUPFD, FIRST_FREE_FD);
	if (null_fd < 0 || output < 0 || exec_fd < 0)
		return -1;
	if (dup2(null_fd, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
		dup3(exec_fd, EXEC_FD, O_CLOEXEC) < 0)
		return -1;
	return close_range(EXEC_FD + 1, ~0U, 0);
}

static void child(const char *path, char *const *argv, char *const *envp, int null_fd,
	int output, int exec_fd)
{
	int told = exec_fd, sys;

	setsid();
	reset_signals();
	umask(022);
	if (chdir("/") == 0 && arrange_descriptors(null_fd, output, exec_fd) == 0) {
		told = EXEC_FD;
		execve(path, argv, envp);
	}
	sys = errno;
	if (write(told, &sys, sizeof(sys)) < 0)
		_exit(126);
	_exit(127);
}

int spawn(const char *path, char *const *argv, char *const *envp, int output, pid_t *pid,
	int *exec_fd, struct err *err)
{
	int null_fd AUTO_CLOSE = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int pipe_fd[2];

	if (null_fd < 0)
		return err_sys(err, ERR_IO, errno, "cannot open /dev/null");
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, ERR_IO, errno, "cannot make a pipe");
	*pid = fork();
	if (*pid == 0)
		child(path, argv, envp, null_fd, output, pipe_fd[1]);
	close(pipe_fd[1]);
	if (*pid < 0) {
		close(pipe_fd[0]);
		return err_sys(err, ERR_IO, errno, "cannot make a process");
	}
	*exec_fd = pipe_fd[0];
	return 0;
}

int spawn_exec_error(int exec_fd)
{
	int sys = 0;

	return read(exec_fd, &sys, sizeof(sys)) == sizeof(sys) ? sys : 0;
}

int spawn_failed(const char *about, int sys, struct err *err)
{
	enum err_code code = sys == ENOENT   ? ERR_NOT_FOUND
			     : sys == EACCES ? ERR_NO_RIGHTS
					     : ERR_COMMAND_FAILED;

	return err_sys(err, code, sys, "%s cannot be executed", about);
}
