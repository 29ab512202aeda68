/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/privileges.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/test.h"

#define NOBODY 65534

/* Exit status of a check that runs in a child, because there is no way back. */
static int in_child(int (*check)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(check());
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

static int drop_for_good(void)
{
	struct privileges to = { NOBODY, NOBODY };
	struct err err = ERR_INIT;
	gid_t more[] = { 1, 2, 3 };
	struct rlimit limit;

	if (setgroups(3, more) != 0 || privileges_drop(&to, &err) < 0)
		return 1;
	if (geteuid() != NOBODY || getegid() != NOBODY || getgroups(0, NULL) != 0)
		return 2;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return 3;
	/* the bounding set, so that even a set-user-id program would get nothing */
	if (prctl(PR_CAPBSET_READ, 0, 0, 0, 0) != 0)
		return 4;
	/* A limit of its own on processes, which it cannot raise again. */
	if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_max > PRIVILEGES_PROCESSES)
		return 5;
	limit.rlim_max = RLIM_INFINITY;
	if (setrlimit(RLIMIT_NPROC, &limit) == 0)
		return 6;
	return 0;
}

static int stay_who_one_is(void)
{
	struct privileges self = { NOBODY, NOBODY }, root = { 0, 0 };
	struct err err = ERR_INIT;

	if (geteuid() == 0 &&
		(setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		return 1;
	self.uid = geteuid();
	if (privileges_drop(&self, &err) < 0)
		return 2;
	if (privileges_drop(&root, &err) == 0 || err.code != ERR_NO_RIGHTS)
		return 3;
	return 0;
}

TEST(drop)
{
	if (geteuid() == 0)
		CHECK_INT(in_child(drop_for_good), 0);
	CHECK_INT(in_child(stay_who_one_is), 0);
}

TEST(find)
{
	struct err err = ERR_INIT;
	struct privileges found = { 1, 1 };

	CHECK_INT(privileges_find("root", &found, &err), 0);
	CHECK_INT(found.uid, 0);
	CHECK_INT(found.gid, 0);
	CHECK_INT(privileges_find("no-such-user-here", &found, &err), -1);
	CHECK_INT(err.code, ERR_NOT_FOUND);
	CHECK_STR(err.text, "there is no user \"no-such-user-here\"");
}
