/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/run/runaway.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

#define ENVIRONMENT_MAX ((size_t)256 * 1024)
/* A process that forks while we look is caught in the next round, if it does not for ever. */
#define ROUNDS 5

const char *runaway_mark(char out[RUNAWAY_MARK_LEN])
{
	uint8_t bytes[(RUNAWAY_MARK_LEN - 1) / 2];

	rand_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return out;
}

static bool has_mark(int proc_fd, int64_t pid, const char *variable)
{
	struct buf environment AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	char path[64];
	size_t len = strlen(variable) + 1;

	snprintf(path, sizeof(path), "%" PRId64 "/environ", pid);
	/* More than the bound is not what we have started. */
	if (file_read(proc_fd, path, ENVIRONMENT_MAX, &environment, &err) < 0 ||
		environment.len == 0)
		return false;
	return memmem(environment.data, environment.len + 1, variable, len) != NULL;
}

/* The descriptor is taken before the look, so that the number cannot become another process. */
static bool kill_marked(int proc_fd, int64_t pid, const char *variable)
{
	int fd AUTO_CLOSE = pidfd_open((pid_t)pid, 0);

	if (fd < 0 || !has_mark(proc_fd, pid, variable))
		return false;
	return pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0;
}

static size_t kill_round(const char *variable)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;
	int64_t pid;

	if (!proc)
		return 0;
	while ((entry = readdir(proc)))
		if (str_to_int(entry->d_name, 2, INT32_MAX, &pid) && pid != getpid())
			n += kill_marked(dirfd(proc), pid, variable);
	closedir(proc);
	return n;
}

void runaway_kill(const char *mark)
{
	char variable[sizeof(RUNAWAY_VARIABLE) + RUNAWAY_MARK_LEN];

	snprintf(variable, sizeof(variable), RUNAWAY_VARIABLE "=%s", mark);
	for (int i = 0; i < ROUNDS && kill_round(variable) > 0; i++)
		continue;
}
