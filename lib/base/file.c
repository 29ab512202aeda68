/* SPDX-License-Identifier: MIT */
#include "lib/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/base/text.h"

void file_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int fail(struct err *err, const char *what, const char *path)
{
	int sys = errno;

	return err_sys(err, sys == ENOENT ? ERR_NOT_FOUND : err_code_of_errno(sys), sys,
		"cannot %s %s", what, path);
}

int file_read_fd(int fd, size_t limit, struct buf *out, struct err *err)
{
	size_t start = out->len;

	for (;;) {
		size_t left = limit - (out->len - start);
		size_t room = out->size > out->len + 1 ? out->size - out->len - 1 : 16384;
		size_t want = left < room ? left + 1 : room;
		ssize_t n = read(fd, buf_reserve(out, want), want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, ERR_IO, errno, "cannot read");
		if (n == 0) {
			buf_reserve(out, 0);
			return 0;
		}
		out->len += (size_t)n;
		if (out->len - start > limit)
			return err_set(err, ERR_TOO_LARGE, "more than %zu bytes", limit);
	}
}

int file_read(int dirfd, const char *path, size_t limit, struct buf *out, struct err *err)
{
	int fd AUTO_CLOSE = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return fail(err, "open", path);
	if (fstat(fd, &st) < 0)
		return fail(err, "stat", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_IO, "%s is not a regular file", path);
	/*
	 * With room for the whole file and its end the buffer never moves, so no copy of a key
	 * is left behind.
	 */
	buf_reserve(out,
		(st.st_size < 0 || (size_t)st.st_size > limit ? limit : (size_t)st.st_size) +
			1);
	if (file_read_fd(fd, limit, out, err) < 0)
		return err_add(err, "%s", path);
	return 0;
}

int file_write_fd(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, err_code_of_errno(errno), errno, "cannot write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_create(int dirfd, const char *path, const void *data, size_t len,
	struct file_mode mode, struct err *err)
{
	int fd AUTO_CLOSE =
		openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail(err, "create", path);
	/* The owner changes while the file is still closed to others; the mode comes last. */
	if ((mode.uid != (uid_t)-1 || mode.gid != (gid_t)-1) &&
		fchown(fd, mode.uid, mode.gid) < 0)
		return fail(err, "change the owner of", path);
	if (fchmod(fd, mode.mode) < 0)
		return fail(err, "change the mode of", path);
	if (file_write_fd(fd, data, len, err) < 0)
		return err_add(err, "%s", path);
	if (fsync(fd) < 0)
		return fail(err, "sync", path);
	return 0;
}

int file_sync_dir(int dirfd, const char *path, struct err *err)
{
	int fd AUTO_CLOSE = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, "open", path);
	if (fsync(fd) < 0)
		return fail(err, "sync", path);
	return 0;
}

/* Splits off the directory of `path` and makes a fresh temporary name in it. */
static int temp_name(const char *path, char *parent, char *temp, size_t size, struct err *err)
{
	const char *slash = strrchr(path, '/');
	int parent_len = slash ? (int)(slash - path) : 0;
	uint64_t r;
	int n;

	rand_bytes(&r, sizeof(r));
	n = snprintf(temp, size, "%.*s%s" FILE_TEMP_PREFIX "%016" PRIx64, parent_len, path,
		slash ? "/" : "", r);
	if (n < 0 || (size_t)n >= size)
		return err_set(err, ERR_BAD_VALUE, "the path %.60s... is too long", path);
	snprintf(parent, size, "%.*s", slash ? (parent_len ? parent_len : 1) : 1,
		slash ? path : ".");
	return 0;
}

static int rename_into_place(
	int dirfd, const char *parent, const char *temp, const char *path, struct err *err)
{
	if (renameat(dirfd, temp, dirfd, path) < 0) {
		fail(err, "rename into", path);
		unlinkat(dirfd, temp, 0);
		return -1;
	}
	return file_sync_dir(dirfd, parent, err);
}

int file_replace(int dirfd, const char *path, const void *data, size_t len,
	struct file_mode mode, struct err *err)
{
	char parent[4096], temp[4096];

	if (temp_name(path, parent, temp, sizeof(temp), err) < 0)
		return -1;
	if (file_create(dirfd, temp, data, len, mode, err) < 0) {
		unlinkat(dirfd, temp, 0);
		return err_add(err, "%s", path);
	}
	return rename_into_place(dirfd, parent, temp, path, err);
}

int file_replace_link(int dirfd, const char *path, const char *target, struct err *err)
{
	char parent[4096], temp[4096];

	if (temp_name(path, parent, temp, sizeof(temp), err) < 0)
		return -1;
	if (symlinkat(target, dirfd, temp) < 0)
		return fail(err, "make the link", path);
	return rename_into_place(dirfd, parent, temp, path, err);
}

int file_read_link(int dirfd, const char *path, char *out, size_t size, struct err *err)
{
	ssize_t n = readlinkat(dirfd, path, out, size);

	if (n < 0)
		return fail(err, "read the link", path);
	if ((size_t)n >= size)
		return err_set(
			err, ERR_BAD_VALUE, "the target of the link %s is too long", path);
	out[n] = 0;
	return 0;
}

int file_open_dir(int dirfd, const char *path, struct err *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? fail(err, "open the directory", path) : fd;
}

int file_make_dir(int dirfd, const char *path, mode_t mode, struct err *err)
{
	int fd AUTO_CLOSE = -1;
	struct stat st;

	if (mkdirat(dirfd, path, mode) < 0)
		return errno == EEXIST ? 0 : fail(err, "make the directory", path);
	/* Use the descriptor: the owner of the parent may have replaced the name meanwhile. */
	fd = file_open_dir(dirfd, path, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid())
		return err_set(err, ERR_NO_RIGHTS, "%s was replaced by another process", path);
	return fchmod(fd, mode) < 0 ? fail(err, "change the mode of", path) : 0;
}

/* Each level costs a descriptor; certd's own trees have at most three. */
#define TREE_DEPTH_MAX 32

static bool is_dir(int dirfd, const char *path)
{
	int sys = errno;
	struct stat st;
	bool result =
		fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);

	errno = sys;
	return result;
}

/* Goes on after an entry that cannot be removed; the first error is returned. */
static int remove_tree(int dirfd, const char *path, int depth, struct err *err)
{
	int fd, result = 0;
	struct err other;
	struct dirent *entry;
	DIR *dir;

	if (unlinkat(dirfd, path, 0) == 0 || errno == ENOENT)
		return 0;
	/* EPERM means a directory in POSIX, and on Linux also an immutable file. */
	if (errno != EISDIR && !(errno == EPERM && is_dir(dirfd, path)))
		return fail(err, "remove", path);
	if (depth == TREE_DEPTH_MAX)
		return err_set(err, ERR_TOO_LARGE, "%s lies too deep to be removed", path);
	fd = file_open_dir(dirfd, path, err);
	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return fail(err, "read the directory", path);
	}
	while ((entry = readdir(dir)))
		if (!str_is(entry->d_name, ".") && !str_is(entry->d_name, "..") &&
			remove_tree(fd, entry->d_name, depth + 1, result ? &other : err) < 0)
			result = -1;
	closedir(dir);
	if (result == 0 && unlinkat(dirfd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return fail(err, "remove", path);
	return result;
}

int file_remove_tree(int dirfd, const char *path, struct err *err)
{
	return remove_tree(dirfd, path, 0, err);
}

bool file_exists(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool file_name_is_safe(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 255 || name[0] == '.')
		return false;
	return !strchr(name, '/') && text_is_fit(name);
}
