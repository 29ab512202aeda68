#include "daemon/keeper/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"

static struct sockaddr_un made; /* what listen_remove() has to remove */

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

/*
 * Anybody may connect, the roles decide what comes of it.  The mode comes from the umask: a change
 * by name could hit what somebody else has put there meanwhile.
 */
static int bind_for_all(int fd, const struct sockaddr_un *address, struct err *err)
{
	mode_t before = umask(0022);
	int result = make_parent(address->sun_path, err);

	if (result == 0 && is_served(address))
		result = err_set(
			err, ERR_BUSY, "another daemon listens at %s", address->sun_path);
	umask(0111);
	if (result == 0) {
		unlink(address->sun_path);
		if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
			result = err_sys(
				err, ERR_NO_RIGHTS, errno, "cannot bind %s", address->sun_path);
	}
	umask(before);
	return result;
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
	made = address;
	if (listen(fd, 128) < 0)
		return err_sys(err, ERR_IO, errno, "cannot listen at %s", path);
	*out = fd;
	fd = -1;
	return 0;
}

void listen_remove(void)
{
	if (made.sun_path[0])
		unlink(made.sun_path);
}
