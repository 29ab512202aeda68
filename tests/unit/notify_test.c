/* SPDX-License-Identifier: MIT */
#include "lib/bus/notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/attr.h"
#include "tests/test.h"

static char folder[] = "/tmp/notify-test-XXXXXX";

/* A socket bound to folder/name, listening if it is a stream. */
static int bound(const char *name, int type)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", folder, name);
	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	if (type != SOCK_DGRAM)
		REQUIRE(listen(fd, 1) == 0);
	return fd;
}

static void forget(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

static void say_ready(void)
{
	notify_ready("2 certificates");
}

static void say_ready_again(void)
{
	notify_ready(NULL);
}

static void say_stopping(void)
{
	notify_stopping("asked to");
}

static void say_status(void)
{
	notify_status("3 working");
}

static void say_two_lines(void)
{
	notify_status("fine\nMAINPID=1 \xc2\x9b"
		      "2J \xe2\x80\xae");
}

static void say_failed(void)
{
	notify_failed("no store", 13);
}

TEST(told)
{
	static const struct {
		void (*say)(void);
		const char *want;
	} calls[] = { { say_ready, "READY=1\nSTATUS=2 certificates" },
		{ say_ready_again, "READY=1" }, { notify_reloading, "RELOADING=1" },
		{ say_stopping, "STOPPING=1\nSTATUS=asked to" },
		{ say_status, "STATUS=3 working" },
		{ say_two_lines, "STATUS=fine MAINPID=1 \\x9b"
				 "2J \\u202e" },
		{ notify_alive, "WATCHDOG=1" }, { say_failed, "ERRNO=13\nSTATUS=no store" } };
	char path[128], got[256];
	int manager;

	REQUIRE(mkdtemp(folder));
	manager = bound("manager", SOCK_DGRAM);
	snprintf(path, sizeof(path), "%s/manager", folder);
	setenv("NOTIFY_SOCKET", path, 1);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		ssize_t n;

		calls[i].say();
		n = recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT);
		got[n > 0 ? n : 0] = '\0';
		CHECK_STR(got, calls[i].want);
	}
	unsetenv("NOTIFY_SOCKET");
	notify_alive();
	CHECK(recv(manager, got, sizeof(got), MSG_DONTWAIT) < 0);
	close(manager);
	forget("manager");
}

/* What systemd would do between fork and exec: descriptors from 3 on and three variables. */
static int adopt_in_child(void)
{
	int passed[] = { bound("other", SOCK_STREAM), bound("control", SOCK_STREAM),
		bound("packets", SOCK_SEQPACKET) };
	struct notify given;
	char path[128], pid[16];

	for (int i = 0; i < 3; i++)
		passed[i] = fcntl(passed[i], F_DUPFD, 10);
	for (int i = 0; i < 3; i++)
		REQUIRE(dup2(passed[i], 3 + i) == 3 + i);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/control", folder);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "3", 1);
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "2500000", 1);
	notify_adopt(path, &given);
	if (given.listener != 4 || given.watchdog_ms != 2500)
		return 1;
	if (fcntl(3, F_GETFD) >= 0 || fcntl(5, F_GETFD) >= 0 ||
		fcntl(4, F_GETFD) != FD_CLOEXEC || !(fcntl(4, F_GETFL) & O_NONBLOCK))
		return 2;
	if (getenv("LISTEN_FDS") || getenv("WATCHDOG_USEC"))
		return 3;
	notify_adopt(path, &given);
	return given.listener == -1 && given.watchdog_ms == 0 ? 0 : 4;
}

TEST(given)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(adopt_in_child());
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	forget("other");
	forget("control");
	forget("packets");
	rmdir(folder);
}
