/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/launch/listen.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/file.h"
#include "tests/test.h"

/* Files of every kind at control.socket: only a socket that no daemon serves is replaced. */

static char dir[32], path[64];

static void begin(void)
{
	strcpy(dir, "/tmp/control-XXXXXX");
	REQUIRE(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control.sock", dir);
}

static void end(void)
{
	struct err err = ERR_INIT;

	CHECK_INT(file_remove_tree(AT_FDCWD, dir, &err), 0);
}

static ino_t number(void)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_ino;
}

static int bind_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	REQUIRE(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* Makes the file of the n-th kind; NULL behind the last one. */
static const char *make(int n)
{
	switch (n) {
	case 0:
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		return "a file";
	case 1:
		REQUIRE(mkdir(path, 0700) == 0);
		return "a directory";
	case 2:
		REQUIRE(symlink("elsewhere", path) == 0);
		return "a link";
	case 3:
		REQUIRE(mkfifo(path, 0600) == 0);
		return "something else";
	default:
		return NULL;
	}
}

TEST(what_is_no_socket_is_never_removed)
{
	const char *kind;

	for (int n = 0;; n++) {
		struct err err = ERR_INIT;
		int fd = -1;
		ino_t before;

		begin();
		kind = make(n);
		before = number();
		if (kind) {
			CHECK_INT(listen_control(path, &fd, &err), -1);
			CHECK_INT(err.code, ERR_BAD_CONFIG);
			CHECK(strstr(err.text, kind));
			listen_remove();
			CHECK_INT(number(), before);
		}
		end();
		if (!kind)
			break;
	}
}

TEST(a_socket_that_was_left_behind_is_replaced_and_removed)
{
	struct err err = ERR_INIT;
	int fd = -1;

	begin();
	close(bind_there());
	CHECK_INT(listen_control(path, &fd, &err), 0);
	CHECK_STR(err.text, "");
	close(fd);
	listen_remove();
	CHECK_INT(number(), 0);
	end();
}

TEST(what_took_the_place_of_our_socket_is_not_removed)
{
	struct err err = ERR_INIT;
	int fd = -1, other;
	ino_t foreign;

	begin();
	CHECK_INT(listen_control(path, &fd, &err), 0);
	REQUIRE(unlink(path) == 0);
	other = bind_there();
	foreign = number();
	listen_remove();
	CHECK_INT(number(), foreign);
	close(other);
	close(fd);
	end();
}
