/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_LOCKED_IN_H
#define CERTD_TESTS_UNIT_LOCKED_IN_H

#include <sys/wait.h>
#include <unistd.h>

#include "daemon/engine/sandbox.h"
#include "tests/test.h"

/* Runs in a child what enters the sandbox, which nobody leaves; it returns 0, or the line of the check that failed. */
static inline void check_locked_in(int (*run)(void))
{
	int status = -1, at[2] = { 0, 0 }, line = -1;
	pid_t pid;

	REQUIRE(pipe(at) == 0);
	pid = fork();
	if (pid == 0) {
		line = run();
		_exit(write(at[1], &line, sizeof(line)) != sizeof(line));
	}
	close(at[1]);
	CHECK(read(at[0], &line, sizeof(line)) == sizeof(line));
	close(at[0]);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	if (line != 0 || status != 0)
		TEST_FAIL("line %d, status %#x", line, (unsigned)status);
}

#endif
