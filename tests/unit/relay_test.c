/* SPDX-License-Identifier: MIT */
#include "lib/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/engine/sandbox.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "tests/test.h"

/*
 * The log of a process that is locked in: what it says arrives in the journal with its fields, and it has no
 * descriptor with which it could reach another socket by its path.  Both listen in a mount namespace of the test.
 */

#define JOURNAL "/run/systemd/journal/socket"
#define OTHER "/run/other"

static int journal, other;

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	return fd;
}

static bool make_places(void)
{
	if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0 ||
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("run", "/run", "tmpfs", 0, NULL) != 0)
		return false;
	REQUIRE(mkdir("/run/systemd", 0755) == 0 && mkdir("/run/systemd/journal", 0755) == 0);
	journal = listen_at(JOURNAL);
	other = listen_at(OTHER);
	return true;
}

/* Standard error is the journal's stream, as systemd arranges it. */
static void begin_log(void)
{
	char stream[64];
	struct stat st;

	REQUIRE(fstat(STDERR_FILENO, &st) == 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("relayed");
}

static void lock_relay_in(void)
{
	struct buf holds AUTO_BUF = BUF_INIT;

	sandbox_enter_relay(&holds);
}

/* Every descriptor that a process in the wrong hands has, in every way to name an address. */
static int reach_the_other(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = OTHER };
	struct iovec iov = { (void *)(uintptr_t) "x", 1 };
	struct msghdr msg = { &at, sizeof(at), &iov, 1, NULL, 0, 0 };
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL, n = 0;

	for (int fd = 3; fd < 64; fd++) {
		if (fd == journal || fd == other)
			continue;
		sendto(fd, "x", 1, flags, (struct sockaddr *)&at, sizeof(at));
		sendmsg(fd, &msg, flags);
		n += connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	}
	return n;
}

/* The engine: locked in, it logs, then somebody else has it. */
static void run_engine(bool is_stolen)
{
	struct log_field cert = { "CERT", "example.com/web", NULL };
	struct buf holds AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	int n;

	begin_log();
	REQUIRE(log_relay_start(lock_relay_in, &err) == 0);
	sandbox_enter(NULL, &holds);
	log_event(&cert, EVENT_DAEMON_SANDBOX, NULL, "locked\nin");
	n = is_stolen ? reach_the_other() : 0;
	log_relay_end();
	_exit(n);
}

/* The number of bytes that came, and them as text. */
static size_t hear(int fd, char *out, size_t size)
{
	ssize_t len = recv(fd, out, size - 1, MSG_DONTWAIT);

	out[len > 0 ? len : 0] = 0;
	return len > 0 ? (size_t)len : 0;
}

static int engine(bool is_stolen)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		run_engine(is_stolen);
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

TEST(entries_of_a_locked_process_reach_the_journal)
{
	char said[8192];

	if (!make_places())
		return;
	CHECK_INT(engine(false), 0);
	CHECK(hear(journal, said, sizeof(said)) > 0);
	CHECK(strstr(said, "\nSYSLOG_IDENTIFIER=relayed\n"));
	CHECK(strstr(said, "\nMESSAGE_ID=7a75996da9084938a594bfeca2e9a55b\n"));
	CHECK(strstr(said, "\nCERTD_CERT=example.com/web\n"));
	CHECK_INT(hear(journal, said, sizeof(said)), 0);
}

TEST(a_stolen_process_reaches_no_socket_by_its_path)
{
	char said[8192];

	if (!journal)
		return;
	CHECK_INT(engine(true), 0);
	CHECK_INT(hear(other, said, sizeof(said)), 0);
}
