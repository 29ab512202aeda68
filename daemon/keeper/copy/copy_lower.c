/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy_lower.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/files/beneath.h"
#include "daemon/keeper/copy/copy.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/crypt/secret.h"

/* More than any directory of certificates holds. */
enum { FILES_MAX = 100, FILE_MAX_LEN = 1024 * 1024 };

static int fail(struct err *err, const char *what, const char *name)
{
	int sys = errno;

	return err_sys(err, err_code_of_errno(sys), sys, "cannot %s %s", what, name);
}

static int refuse(const struct copy *copy, const char *from, const char *name, struct err *err)
{
	return err_set(err, ERR_BAD_CONFIG,
		"%s/%s/%s/%s lies on the lower layer of an overlay and holds %.100s, which is "
		"no plain file of at most 1 MiB or one of more than %d; move the directory "
		"away, and certd makes its own",
		copy->dir, copy->group, copy->service, from, name, FILES_MAX);
}

/*
 * Owner and mode are those of the file that is read, because the owner of the directory may put
 * another one in its place at any moment.  No copy runs with the rights of its owner.
 */
static int copy_file(int from, int to, const char *name, struct err *err)
{
	int fd AUTO_CLOSE = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct secret data AUTO_SECRET = SECRET_INIT;
	struct file_mode mode;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, "open", name);
	mode = (struct file_mode){ st.st_mode & 0777, st.st_uid, st.st_gid };
	if (secret_read_fd(fd, FILE_MAX_LEN, &data, err) < 0)
		return -1;
	return file_create(to, name, data.data, data.len, mode, err);
}

static int copy_all(
	const struct copy *copy, DIR *dir, const char *from, int to, struct err *err)
{
	struct dirent *entry;
	struct stat st;
	int n = 0;

	while ((entry = readdir(dir))) {
		if (str_is(entry->d_name, ".") || str_is(entry->d_name, ".."))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return fail(err, "look at", entry->d_name);
		if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_LEN || ++n > FILES_MAX)
			return refuse(copy, from, entry->d_name, err);
		if (copy_file(dirfd(dir), to, entry->d_name, err) < 0)
			return -1;
	}
	return 0;
}

/* The last step: only then others may look into it. */
static int finish(int from, int to, const char *name, struct err *err)
{
	struct stat st;

	if (fstat(from, &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 ||
		fchmod(to, st.st_mode & 07777) < 0 || fsync(to) < 0)
		return fail(err, "finish", name);
	return 0;
}

int copy_lower_out(
	const struct copy *copy, int place, const char *from, const char *to, struct err *err)
{
	int source = beneath_open_dir(place, from), target AUTO_CLOSE = -1;
	DIR *dir = source < 0 ? NULL : fdopendir(source);
	int r = -1;

	if (!dir) {
		file_closep(&source);
		return fail(err, "open the directory", from);
	}
	if (file_remove_tree(place, to, err) == 0) {
		target = mkdirat(place, to, 0700) < 0 ? -1 : beneath_open_dir(place, to);
		if (target < 0)
			fail(err, "make the directory", to);
		else if (copy_all(copy, dir, from, target, err) == 0)
			r = finish(dirfd(dir), target, to, err);
	}
	closedir(dir);
	return r;
}
