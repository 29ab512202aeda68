/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

/* A directory service may answer with an entry of any length; this is where belief ends. */
#define ENTRY_MAX ((size_t)1024 * 1024)

int privileges_find(const char *user, struct privileges *out, struct err *err)
{
	struct passwd entry, *found = NULL;

	for (size_t size = 1024; size <= ENTRY_MAX; size *= 4) {
		char *buffer = mem_zalloc(size);
		int sys = getpwnam_r(user, &entry, buffer, size, &found);

		if (found)
			*out = (struct privileges){ found->pw_uid, found->pw_gid };
		free(buffer);
		if (found)
			return 0;
		if (sys == 0 || sys == ENOENT || sys == ESRCH)
			return err_set(err, ERR_NOT_FOUND, "there is no user \"%s\"", user);
		if (sys != ERANGE && sys != EINTR)
			return err_sys(err, err_code_of_errno(sys), sys,
				"the user \"%s\" cannot be looked up", user);
	}
	return err_set(err, ERR_TOO_LARGE, "the entry of user \"%s\" is larger than %zu bytes",
		user, ENTRY_MAX);
}

/* Needs CAP_SETPCAP, which a strict unit takes away; no-new-privs makes the set unusable then. */
static void drop_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return;
}

/* The limit that the engine was started with may be lower already. */
static int limit_processes(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) != 0)
		return -1;
	if (limit.rlim_max > PRIVILEGES_PROCESSES)
		limit.rlim_max = PRIVILEGES_PROCESSES;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NPROC, &limit);
}

static bool is_exactly(const struct privileges *to)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 ||
		getresgid(&gid[0], &gid[1], &gid[2]) != 0)
		return false;
	for (int i = 0; i < 3; i++)
		if (uid[i] != to->uid || gid[i] != to->gid)
			return false;
	return true;
}

int privileges_drop(const struct privileges *to, struct err *err)
{
	if (geteuid() != 0) {
		if (geteuid() == to->uid)
			return 0;
		return err_set(err, ERR_NO_RIGHTS,
			"user %u cannot become user %u: only root can change the user",
			(unsigned)geteuid(), (unsigned)to->uid);
	}
	drop_bounding_set();
	if (to->uid != 0 && limit_processes() != 0)
		return err_sys(err, ERR_NO_RIGHTS, errno, "the processes cannot be limited");
	if (setgroups(0, NULL) != 0)
		return err_sys(err, ERR_NO_RIGHTS, errno, "the groups cannot be given up");
	if (setresgid(to->gid, to->gid, to->gid) != 0)
		return err_sys(err, ERR_NO_RIGHTS, errno, "group %u cannot be taken",
			(unsigned)to->gid);
	if (setresuid(to->uid, to->uid, to->uid) != 0)
		return err_sys(err, ERR_NO_RIGHTS, errno, "user %u cannot be taken",
			(unsigned)to->uid);
	if (!is_exactly(to) || getgroups(0, NULL) != 0)
		return err_set(err, ERR_NO_RIGHTS, "the user was taken only in part");
	if (to->uid != 0 && (setuid(0) == 0 || setgid(0) == 0))
		return err_set(err, ERR_NO_RIGHTS, "root can be taken back");
	return 0;
}
