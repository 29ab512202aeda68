/* SPDX-License-Identifier: MIT */
#include "lib/log/relay.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* A packet is one entry: its fields, each ended by NUL, which none of them contains. */

enum { ENTRY_MAX = 128 * 1024, RELAY_FD = 3 };

static int relay_fd = -1;
static pid_t relay_pid;

bool relay_send(const struct iovec *fields, int n)
{
	struct buf packet AUTO_BUF = BUF_INIT;

	if (relay_fd < 0)
		return false;
	for (int i = 0; i < n; i++) {
		buf_add(&packet, fields[i].iov_base, fields[i].iov_len);
		buf_add(&packet, "", 1);
	}
	while (send(relay_fd, packet.data, packet.len, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

bool relay_is_running(void)
{
	return relay_fd >= 0;
}

static void pass_on(const struct relay_work *work, char *packet, size_t len)
{
	struct iovec fields[RELAY_FIELDS_MAX];
	int n = 0;

	for (char *at = packet, *end; n < RELAY_FIELDS_MAX && at < packet + len; at = end + 1) {
		end = memchr(at, 0, (size_t)(packet + len - at));
		if (!end)
			break;
		fields[n++] = (struct iovec){ at, (size_t)(end - at) };
	}
	work->pass_on(fields, n);
}

_Noreturn static void relay(int fd, const struct relay_work *work)
{
	static char packet[ENTRY_MAX];
	ssize_t len;

	/* The process that logs may end of a signal; its last entries are still passed on. */
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_IGN);
	prctl(PR_SET_NAME, "certd-log");
	if (dup2(fd, RELAY_FD) < 0 || syscall(SYS_close_range, RELAY_FD + 1, ~0U, 0) < 0)
		_exit(1);
	work->lock_in();
	for (;;) {
		len = recv(RELAY_FD, packet, sizeof(packet), 0);
		if (len <= 0 && !(len < 0 && errno == EINTR))
			_exit(0);
		if (len > 0)
			pass_on(work, packet, (size_t)len);
	}
}

int relay_start(const struct relay_work *work, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, ERR_IO, errno, "no socket for the log's relay");
	relay_pid = fork();
	if (relay_pid == 0)
		relay(pair[1], work);
	close(pair[1]);
	if (relay_pid < 0) {
		close(pair[0]);
		return err_sys(err, ERR_IO, errno, "no process for the log's relay");
	}
	relay_fd = pair[0];
	return 0;
}

void relay_end(void)
{
	if (relay_fd < 0)
		return;
	/* A child of this process may hold the descriptor, too; the shutdown ends it for both. */
	shutdown(relay_fd, SHUT_RDWR);
	close(relay_fd);
	relay_fd = -1;
	while (waitpid(relay_pid, NULL, 0) < 0 && errno == EINTR)
		;
}
