/* SPDX-License-Identifier: MIT */
#include "daemon/engine/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "daemon/engine/landlock.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "tests/test.h"

/*
 * Every probe runs in a child of its own that is locked in first, and answers 0 or an errno value.
 * The same probe runs unlocked as well where that must make a difference: a sandbox test that
 * fails for another reason than the sandbox proves nothing.
 */

static char trusted[] = "/tmp/sandbox-test-XXXXXX"; /* a file that the caller passed */
static char other[] = "/tmp/sandbox-test-XXXXXX";   /* one that he did not */
static int abi;

static int result(long r)
{
	return r >= 0 ? 0 : errno;
}

static int open_and_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_nsswitch(void)
{
	return open_and_close("/etc/nsswitch.conf", O_RDONLY);
}

static int read_trusted(void)
{
	return open_and_close(trusted, O_RDONLY);
}

static int read_other(void)
{
	return open_and_close(other, O_RDONLY);
}

static int read_passwd(void)
{
	return open_and_close("/etc/passwd", O_RDONLY);
}

static int write_other(void)
{
	return open_and_close(other, O_WRONLY);
}

static int write_trusted(void)
{
	return open_and_close(trusted, O_RDWR);
}

static int truncate_trusted(void)
{
	return open_and_close(trusted, O_RDONLY | O_TRUNC);
}

static int create_file(void)
{
	return open_and_close("/tmp/sandbox-test-new", O_RDONLY | O_CREAT);
}

static int make_directory(void)
{
	int error = result(mkdir("/tmp/sandbox-test-dir", 0700));

	if (error == 0)
		rmdir("/tmp/sandbox-test-dir");
	return error;
}

static int change_mode(void)
{
	return result(chmod(other, 0600));
}

static int list_root(void)
{
	return open_and_close("/", O_RDONLY | O_DIRECTORY);
}

static int local_time(void)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	tzset();
	return localtime_r(&now.tv_sec, &tm) ? 0 : errno;
}

static int timer_and_epoll(void)
{
	int timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	struct itimerspec spec = { .it_value.tv_nsec = 1000 };

	if (timer < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event) != 0 ||
		timerfd_settime(timer, 0, &spec, NULL) != 0)
		return errno;
	return epoll_wait(epoll, &event, 1, 10000) == 1 ? 0 : ETIME;
}

/* Over the loopback, with a port that the kernel chooses. */
static int talk_tcp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
	char byte = 'x';

	if (bind(server, (struct sockaddr *)&at, len) != 0 || listen(server, 1) != 0 ||
		getsockname(server, (struct sockaddr *)&at, &len) != 0 ||
		connect(client, (struct sockaddr *)&at, len) != 0)
		return errno;
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	if (peer < 0 || send(client, &byte, 1, MSG_NOSIGNAL) != 1 ||
		recv(peer, &byte, 1, 0) != 1)
		return errno;
	return 0;
}

static int bind_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(39) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int reuse = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	return result(bind(fd, (struct sockaddr *)&at, sizeof(at)));
}

static int netlink_socket(void)
{
	return result(socket(AF_NETLINK, SOCK_RAW, 0));
}

/* As to a bus, a service manager or a container's daemon, which run commands for who may connect. */
static int local_stream(void)
{
	return result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int local_packets(void)
{
	return result(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

static int packet_pair(void)
{
	int fd[2];

	return result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
}

static int stream_pair(void)
{
	int fd[2];

	return result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
}

/* To whatever listens at a path: the service manager, the log, a daemon of containers. */
static int local_datagrams(void)
{
	return result(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/* Either end could be given another address than the other end. */
static int pair_of_datagrams(void)
{
	int fd[2];

	return result(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd));
}

/* As the library would make one. */
static int journal(void)
{
	int r = sd_journal_send("MESSAGE=the sandbox test was here", "PRIORITY=7", NULL);

	return r == -EPERM || r == -EACCES ? -r : 0;
}

static int fork_and_wait(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(7);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7
		       ? 0
		       : ECHILD;
}

static void *set_one(void *data)
{
	*(int *)data = 1;
	return NULL;
}

static int thread(void)
{
	pthread_t id;
	int done = 0;
	int error = pthread_create(&id, NULL, set_one, &done);

	if (error == 0)
		pthread_join(id, NULL);
	return error ? error : done ? 0 : ESRCH;
}

static int new_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return ENOMEM;
	return result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	return result(setrlimit(RLIMIT_NOFILE, &limit));
}

static int signal_parent(void)
{
	return result(kill(getppid(), SIGCONT));
}

static int be_dumpable(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int is_hardened(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
			       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
		       ? 0
		       : EINVAL;
}

static int run_program(void)
{
	return result(execl("/bin/true", "true", NULL));
}

static int trace(void)
{
	return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int become_root(void)
{
	return result(setuid(0));
}

static int enter_namespace(void)
{
	return result(unshare(CLONE_NEWUTS));
}

/* Died of the sandbox, as told beside errno values. */
#define KILLED 1000

/* Runs a probe in a child, locked in or free. */
static int run(int (*probe)(void), bool locked)
{
	const char *readable[] = { trusted, "/nonexistent", NULL };
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct buf said = BUF_INIT;
		int error;

		if (locked && !sandbox_enter(readable, &said)) {
			fprintf(stderr, "%s\n", buf_text(&said));
			_exit(254);
		}
		error = probe();
		_exit(error < 250 ? error : 253);
	}
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : KILLED + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static const struct {
	const char *name;
	int (*probe)(void);
	int free, locked;
	int since; /* the landlock ABI that brings it */
} probes[] = {
	{ "read nsswitch.conf", read_nsswitch, 0, 0, 0 },
	{ "read what was passed", read_trusted, 0, 0, 0 },
	{ "read another file", read_other, 0, EACCES, 1 },
	{ "read passwd", read_passwd, 0, EACCES, 1 },
	{ "list the root", list_root, 0, EACCES, 1 },
	{ "write a file", write_other, 0, EPERM, 0 },
	{ "write what may be read", write_trusted, 0, EPERM, 0 },
	{ "truncate what may be read", truncate_trusted, 0, EPERM, 0 },
	{ "create a file", create_file, 0, EPERM, 0 },
	{ "make a directory", make_directory, 0, EPERM, 0 },
	{ "change a mode", change_mode, 0, EPERM, 0 },
	{ "local time", local_time, 0, 0, 0 },
	{ "timer and epoll", timer_and_epoll, 0, 0, 0 },
	{ "talk over TCP", talk_tcp, 0, 0, 0 },
	{ "bind a port", bind_port, 0, EACCES, 4 },
	{ "netlink", netlink_socket, 0, EPERM, 0 },
	{ "a local stream", local_stream, 0, EPERM, 0 },
	{ "local packets", local_packets, 0, EPERM, 0 },
	{ "seqpacket pair", packet_pair, 0, 0, 0 },
	{ "stream pair", stream_pair, 0, 0, 0 },
	{ "local datagrams", local_datagrams, 0, EPERM, 0 },
	{ "a pair of datagrams", pair_of_datagrams, 0, EPERM, 0 },
	{ "journal", journal, 0, EPERM, 0 },
	{ "fork and wait", fork_and_wait, 0, 0, 0 },
	{ "thread", thread, 0, 0, 0 },
	{ "clone into a namespace", new_namespace, 0, EPERM, 0 },
	{ "executable memory", executable_memory, 0, EPERM, 0 },
	{ "set a limit", raise_limit, 0, EPERM, 0 },
	{ "signal the parent", signal_parent, 0, EPERM, 6 },
	{ "become dumpable", be_dumpable, 0, EPERM, 0 },
	{ "hardened", is_hardened, EINVAL, 0, 0 },
	{ "run a program", run_program, 0, KILLED, 0 },
	{ "trace", trace, 0, KILLED, 0 },
	{ "become root", become_root, 0, KILLED, 0 },
	{ "enter a namespace", enter_namespace, 0, KILLED, 0 },
};

/* Some of what is free for root is not for others; the locked half must hold for all. */
static bool needs_root(int (*probe)(void))
{
	return probe == bind_port || probe == new_namespace || probe == become_root ||
	       probe == enter_namespace;
}

/* First, because it finds out for the others what this kernel has. */
TEST(report)
{
	struct buf lacks AUTO_BUF = BUF_INIT;
	char text[256] = "", all[512];
	int fd[2];
	pid_t pid;

	REQUIRE(pipe(fd) == 0 && close(mkstemp(trusted)) == 0 && close(mkstemp(other)) == 0);
	pid = fork();
	if (pid == 0) {
		struct buf said = BUF_INIT;

		sandbox_enter(NULL, &said);
		_exit(write(fd[1], said.data, said.len) < 0);
	}
	close(fd[1]);
	CHECK(read(fd[0], text, sizeof(text) - 1) > 0);
	close(fd[0]);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(sscanf(text, "no-new-privs no-caps landlock(%d) ", &abi), 1);
	landlock_lacks(abi, &lacks);
	snprintf(all, sizeof(all), "no-new-privs no-caps landlock(%d)%s%s%s seccomp", abi,
		lacks.len ? " (landlock lacks: " : "", buf_text(&lacks), lacks.len ? ")" : "");
	CHECK_STR(text, all);
}

/* The log of an old kernel says what the sandbox leaves open there. */
TEST(what_an_older_landlock_lacks_is_said)
{
	static const char *const want[] = {
		[1] = "truncation, TCP ports, ioctl of devices, signals, abstract sockets",
		[2] = "truncation, TCP ports, ioctl of devices, signals, abstract sockets",
		[3] = "TCP ports, ioctl of devices, signals, abstract sockets",
		[4] = "ioctl of devices, signals, abstract sockets",
		[5] = "signals, abstract sockets",
		[6] = "",
		[7] = "",
	};

	for (int i = 1; i < (int)ARRAY_LEN(want); i++) {
		struct buf lacks AUTO_BUF = BUF_INIT;

		landlock_lacks(i, &lacks);
		CHECK_STR(buf_text(&lacks), want[i]);
	}
}

TEST(probes)
{
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		int got = run(probes[i].probe, true);

		if (abi >= probes[i].since && got != probes[i].locked)
			TEST_FAIL("%s, locked in: %d, not %d", probes[i].name, got,
				probes[i].locked);
		if (needs_root(probes[i].probe) && geteuid() != 0)
			continue;
		got = run(probes[i].probe, false);
		if (got != probes[i].free)
			TEST_FAIL("%s, free: %d, not %d", probes[i].name, got, probes[i].free);
	}
	unlink("/tmp/sandbox-test-new");
	unlink(trusted);
	unlink(other);
}
