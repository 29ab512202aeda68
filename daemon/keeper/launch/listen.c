/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"

/* The socket file that listen_remove() has to remove, and what it was when it was made. */
static struct sockaddr_un made;
static dev_t made_dev;
static ino_t made_ino;

static bool is_served(const struct sockaddr_un *address)
{
	int fd AUTO_CLOSE = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* One that is too busy to accept is there all the same. */
	return fd >= 0 &&
	       (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		       errno == EAGAIN);
}

static int make_parent(const char *path, struct err *err)
{
	char parent[sizeof(made.sun_path)];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return 0;
	*slash = 0;
	if (mkdir(parent, 0755) < 0 && errno != EEXIST)
		return err_sys(
			err, ERR_NO_RIGHTS, errno, "cannot make the directory %s", parent);
	return 0;
}

/* Only a socket is replaced: any other file of that name has an owner who did not mean certd. */
static int make_room(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : err_sys(err, err_code_of_errno(errno), errno,
						 "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_BAD_CONFIG,
			"%s is %s and not a socket, so it is left alone; move it away, or "
			"write another path as control.socket",
			path,
			S_ISREG(st.st_mode)   ? "a file"
			: S_ISDIR(st.st_mode) ? "a directory"
			: S_ISLNK(st.st_mode) ? "a link"
					      : "something else");
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot remove %s", path);
	return 0;
}

/*
 * Every user may connect; roles decide about requests.  The mode comes from the umask: a change
 * by name could hit a file that was put there meanwhile.
 */
static int bind_for_all(int fd, const struct sockaddr_un *address, struct err *err)
{
	mode_t before = umask(0022);
	int result = make_parent(address->sun_path, err);

	if (result == 0 && is_served(address))
		result = err_set(
			err, ERR_BUSY, "another daemon listens at %s", address->sun_path);
	if (result == 0)
		result = make_room(address->sun_path, err);
	umask(0111);
	if (result == 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		result =
			err_sys(err, ERR_NO_RIGHTS, errno, "cannot bind %s", address->sun_path);
	umask(before);
	return result;
}

static void note_made(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return;
	made = *address;
	made_dev = st.st_dev;
	made_ino = st.st_ino;
}

int listen_control(const char *path, int *out, struct err *err)
{
	int fd AUTO_CLOSE = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return err_sys(err, ERR_IO, errno, "cannot make a socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_BAD_VALUE,
			"the socket path %s is longer than %zu bytes", path,
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	if (bind_for_all(fd, &address, err) < 0)
		return -1;
	note_made(&address);
	if (listen(fd, 128) < 0)
		return err_sys(err, ERR_IO, errno, "cannot listen at %s", path);
	*out = fd;
	fd = -1;
	return 0;
}

void listen_remove(void)
{
	struct stat st;

	/* A file that has taken its place meanwhile is not ours. */
	if (made.sun_path[0] && lstat(made.sun_path, &st) == 0 && st.st_dev == made_dev &&
		st.st_ino == made_ino)
		unlink(made.sun_path);
	made.sun_path[0] = 0;
}
