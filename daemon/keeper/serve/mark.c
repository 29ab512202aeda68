/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "proto/revoke.h"

static int check_owner(int fd, const char *what, struct stat *st, struct err *err)
{
	if (fstat(fd, st) < 0)
		return err_sys(err, ERR_IO, errno, "cannot look at %s", what);
	if (st->st_uid == geteuid() && !(st->st_mode & 022))
		return 0;
	return err_set(err, ERR_NOT_ALLOWED, "%s is not root's alone: user %u, mode %04o", what,
		(unsigned)st->st_uid, (unsigned)(st->st_mode & 07777));
}

/* The directory of marks, or -1. */
static int open_dir(const char *socket, struct err *err)
{
	struct buf path AUTO_BUF = BUF_INIT;
	struct stat st;
	int fd;

	mark_dir(socket, &path);
	fd = file_open_dir(AT_FDCWD, buf_text(&path), err);
	if (fd < 0 || check_owner(fd, buf_text(&path), &st, err) == 0)
		return fd;
	close(fd);
	return -1;
}

static int read_mark(int dir, const char *name, struct buf *out, struct err *err)
{
	int fd AUTO_CLOSE = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct instant now = clock_now();
	struct stat st;

	if (fd < 0)
		return err_sys(err, ERR_NOT_FOUND, errno, "%s", name);
	if (check_owner(fd, name, &st, err) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NOT_ALLOWED, "%s is not a file", name);
	if (st.st_mtim.tv_sec > now.s || now.s - st.st_mtim.tv_sec >= MARK_LIFE.s) {
		unlinkat(dir, name, 0);
		return err_set(err, ERR_NOT_ALLOWED, "the mark is too old");
	}
	return file_read_fd(fd, MARK_MAX, out, err);
}

int mark_check(
	const char *socket, const char *cert, const struct version_id *version, struct err *err)
{
	struct buf name AUTO_BUF = BUF_INIT, want AUTO_BUF = BUF_INIT, got AUTO_BUF = BUF_INIT;
	struct err why = ERR_INIT;
	int dir AUTO_CLOSE = -1;

	mark_name(cert, &name);
	mark_text(cert, version, &want);
	dir = socket ? open_dir(socket, &why) : -1;
	if (dir >= 0 && read_mark(dir, buf_text(&name), &got, &why) == 0 &&
		got.len == want.len && memcmp(got.data, want.data, want.len) == 0)
		return 0;
	return err_set(err, ERR_NOT_ALLOWED,
		"the current version of %s is not revoked without a mark of root's%s%.200s",
		cert, err_is_set(&why) ? ": " : "", why.text);
}

void mark_remove(const char *socket, const char *cert)
{
	struct buf name AUTO_BUF = BUF_INIT;
	struct err ignored;
	int dir AUTO_CLOSE = socket ? open_dir(socket, &ignored) : -1;

	mark_name(cert, &name);
	if (dir >= 0)
		unlinkat(dir, buf_text(&name), 0);
}
