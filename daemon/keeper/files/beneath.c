/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int fail(struct err *err, const char *what, const char *name)
{
	int sys = errno;

	return err_sys(err, sys == ENOENT ? ERR_NOT_FOUND : err_code_of_errno(sys), sys,
		"cannot %s %s", what, name);
}

int beneath_open_root(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? fail(err, "open the directory", path) : fd;
}

int beneath_open_dir(int parent, const char *name)
{
	struct open_how how = {
		.flags = DIR_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, parent, name, &how, sizeof(how));

	/* Filters of containers know the older call only; for one component it says the same. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(parent, name, DIR_FLAGS);
	return (int)fd;
}

int beneath_make_dir(int parent, const char *name, unsigned mode, bool *is_new, struct err *err)
{
	int fd AUTO_CLOSE = -1, result;
	struct stat st;

	*is_new = mkdirat(parent, name, 0700) == 0;
	if (!*is_new && errno != EEXIST)
		return fail(err, "make the directory", name);
	fd = beneath_open_dir(parent, name);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR || errno == EXDEV))
		return err_set(err, ERR_NO_RIGHTS,
			"%s is a link or no directory, and is not followed", name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, "open the directory", name);
	if (*is_new) {
		if (st.st_uid != geteuid())
			return err_set(
				err, ERR_NO_RIGHTS, "%s was replaced by another process", name);
		if (fchmod(fd, mode) < 0)
			return fail(err, "change the mode of", name);
		if (fsync(parent) < 0)
			return fail(err, "sync the directory of", name);
	}
	result = fd;
	fd = -1;
	return result;
}

/* A regular file, or none, which `is_there` tells. */
static int look(int dir, const char *name, struct stat *st, bool *is_there, struct err *err)
{
	*is_there = fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*is_there)
		return errno == ENOENT ? 0 : fail(err, "look at", name);
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_NO_RIGHTS,
			"%s is no regular file but somebody's link, pipe or directory", name);
	return 0;
}

static int write_temp(int dir, const char *temp, const struct buf *data, struct err *err)
{
	if (unlinkat(dir, temp, 0) < 0 && errno != ENOENT)
		return fail(err, "remove", temp);
	return file_create(dir, temp, buf_text(data), data->len, FILE_PUBLIC, err);
}

static int sync_dir(int dir, const char *name, struct err *err)
{
	return fsync(dir) < 0 ? fail(err, "sync the directory of", name) : 0;
}

int beneath_replace(
	int dir, const char *name, const char *temp, const struct buf *data, struct err *err)
{
	struct stat st;
	bool is_there;
	int result;

	if (look(dir, name, &st, &is_there, err) < 0)
		return -1;
	result = write_temp(dir, temp, data, err);
	if (result == 0 && renameat(dir, temp, dir, name) < 0)
		result = fail(err, "rename into", name);
	if (result < 0)
		unlinkat(dir, temp, 0);
	return result < 0 ? -1 : sync_dir(dir, name, err);
}

/* File systems that cannot refuse to replace can at least refuse to link over. */
static int move_in(int dir, const char *temp, const char *name)
{
	if (renameat2(dir, temp, dir, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return linkat(dir, temp, dir, name, 0) < 0 ? -1 : unlinkat(dir, temp, 0);
}

int beneath_create(int dir, const char *name, const char *temp, const struct buf *data,
	bool *is_foreign, struct err *err)
{
	int result = write_temp(dir, temp, data, err);

	*is_foreign = false;
	if (result == 0 && move_in(dir, temp, name) < 0) {
		*is_foreign = errno == EEXIST;
		result = *is_foreign ? err_set(err, ERR_NO_RIGHTS,
					       "there is a %s of somebody else", name)
				     : fail(err, "rename into", name);
	}
	if (result < 0)
		unlinkat(dir, temp, 0);
	return result < 0 ? -1 : sync_dir(dir, name, err);
}

static bool has_content(int dir, const char *name, const struct buf *data)
{
	struct buf have AUTO_BUF = BUF_INIT;
	struct err ignored;

	return file_read(dir, name, data->len, &have, &ignored) == 0 && have.len == data->len &&
	       memcmp(buf_text(&have), buf_text(data), data->len) == 0;
}

int beneath_remove(
	int dir, const char *name, const struct buf *data, bool *is_foreign, struct err *err)
{
	struct stat st;
	bool is_there;

	*is_foreign = look(dir, name, &st, &is_there, err) < 0 && is_there;
	if (*is_foreign)
		return -1;
	if (!is_there)
		return err_is_set(err) ? -1 : 0;
	*is_foreign = st.st_uid != geteuid() || (data && !has_content(dir, name, data));
	if (*is_foreign)
		return err_set(err, ERR_NO_RIGHTS, "%s is a file of somebody else", name);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return fail(err, "remove", name);
	return sync_dir(dir, name, err);
}
