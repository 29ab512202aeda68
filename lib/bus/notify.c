/* SPDX-License-Identifier: MIT */
#include "lib/bus/notify.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/text.h"

/* STATUS= is one line: text behind a line feed would be another assignment. */
static void tell(const char *state, const char *status)
{
	struct buf text AUTO_BUF = BUF_INIT;

	buf_add_text(&text, state);
	if (status) {
		buf_printf(&text, "%sSTATUS=", *state ? "\n" : "");
		text_show(&text, status, strlen(status));
	}
	(void)sd_notify(0, buf_text(&text));
}

/*
 * Compared by path: with another path configured than the .socket unit has, certd binds its
 * own.
 */
static bool is_bound_to(int fd, const char *path)
{
	struct sockaddr_un at;
	socklen_t len = sizeof(at);

	memset(&at, 0, sizeof(at));
	if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return false;
	return strncmp(at.sun_path, path, sizeof(at.sun_path)) == 0;
}

void notify_adopt(const char *socket, struct notify *out)
{
	uint64_t usec = 0;
	int n;

	*out = (struct notify){ .listener = -1 };
	if (sd_watchdog_enabled(1, &usec) > 0)
		out->watchdog_ms = (int64_t)(usec / 1000);
	n = sd_listen_fds(1);
	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
		if (out->listener < 0 && is_bound_to(fd, socket) &&
			fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
			out->listener = fd;
		else
			close(fd);
}

void notify_ready(const char *status)
{
	tell("READY=1", status);
}

void notify_reloading(void)
{
	(void)sd_notify(0, "RELOADING=1");
}

void notify_stopping(const char *status)
{
	tell("STOPPING=1", status);
}

void notify_status(const char *status)
{
	tell("", status);
}

void notify_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

void notify_failed(const char *status, int sys)
{
	char *state AUTO_FREE = mem_printf("ERRNO=%d", sys);

	tell(state, status);
}
