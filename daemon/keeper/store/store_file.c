/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/store/store_private.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/secret.h"

static int bad_path(const char *path, struct err *err)
{
	return err_set(err, ERR_BAD_VALUE, "%.100s cannot be a path in the store", path);
}

/* One step down; `parent` is closed unless it is the root. */
static int step(struct store *store, int parent, const char *name, bool make, struct err *err)
{
	int fd = -1;

	if (!file_name_is_safe(name))
		bad_path(name, err);
	else
		fd = make ? store_make_dir(parent, name, err)
			  : file_open_dir(parent, name, err);
	if (fd >= 0 && store_check_owner(store, fd, name, err) < 0)
		file_closep(&fd);
	if (parent != store->root)
		close(parent);
	return fd;
}

/*
 * Opens the directory that a path is in; *name points at its last part.  The descriptor, or -1;
 * the root itself is refused.
 */
static int open_parent(
	struct store *store, const char *path, bool make, const char **name, struct err *err)
{
	char copy[STORE_PATH_MAX], *at = copy, *slash;
	int fd = store->root;
	size_t len = strlen(path);

	*err = (struct err)ERR_INIT;
	*name = strrchr(path, '/') ? strrchr(path, '/') + 1 : "";
	if (len >= sizeof(copy) || !file_name_is_safe(*name))
		return bad_path(path, err);
	memcpy(copy, path, len + 1);
	if (str_starts(path, "certs/"))
		store->is_dirty = true;
	while (fd >= 0 && (slash = strchr(at, '/'))) {
		*slash = 0;
		fd = step(store, fd, at, make, err);
		at = slash + 1;
	}
	return fd < 0 ? err_add(err, "%s", path) : fd;
}

int store_file_write(
	struct store *store, const char *path, const void *data, size_t len, struct err *err)
{
	const struct buf all = { (char *)(uintptr_t)data, len, len };
	const char *name;
	int dir AUTO_CLOSE = open_parent(store, path, true, &name, err);

	/* A temporary lies where store_open() sweeps. */
	if (dir < 0 || store_replace(store->facts, dir, name, &all, FILE_SECRET, err) < 0)
		return err_add(err, "cannot write");
	return 0;
}

int store_file_read(struct store *store, const char *path, size_t limit, struct secret *out,
	struct err *err)
{
	const char *name;
	int dir AUTO_CLOSE = open_parent(store, path, false, &name, err);
	struct stat st;

	if (dir < 0)
		return -1;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid != store->uid)
		return err_set(err, ERR_BROKEN_STORE, "%s belongs to user %u, not to user %u",
			path, (unsigned)st.st_uid, (unsigned)store->uid);
	return secret_read(dir, name, limit, out, err);
}

int store_file_append(struct store *store, const char *path, const void *data, size_t len,
	size_t limit, struct err *err)
{
	const char *name;
	int dir AUTO_CLOSE = open_parent(store, path, true, &name, err);
	int fd AUTO_CLOSE = -1;
	struct stat st;
	bool is_new;

	if (dir < 0)
		return -1;
	is_new = !file_exists(dir, name);
	fd = openat(dir, name,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot open %s", path);
	if (store_check_owner(store, fd, path, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_size < 0)
		return err_sys(err, ERR_IO, errno, "cannot look at %s", path);
	if (len > limit || (size_t)st.st_size > limit - len)
		return err_set(
			err, ERR_TOO_LARGE, "%s would have more than %zu bytes", path, limit);
	/* A part of a line would spoil the next one. */
	if (file_write_fd(fd, data, len, err) < 0) {
		(void)!ftruncate(fd, st.st_size);
		return -1;
	}
	if (fdatasync(fd) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot sync %s", path);
	return is_new ? file_sync_dir(dir, ".", err) : 0;
}

int store_file_remove(struct store *store, const char *path, struct err *err)
{
	const char *name;
	int dir AUTO_CLOSE = open_parent(store, path, false, &name, err);

	if (dir < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (unlinkat(dir, name, 0) == 0)
		return file_sync_dir(dir, ".", err);
	if (errno == ENOENT)
		return 0;
	return err_sys(err, err_code_of_errno(errno), errno, "cannot remove %s", path);
}

struct listing {
	int dir;
	void (*tell)(const char *name, struct instant changed, void *data);
	void *data;
};

static int list_one(const char *name, void *data)
{
	const struct listing *l = data;
	struct stat st;

	if (file_name_is_safe(name) && fstatat(l->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(st.st_mode))
		l->tell(name, (struct instant){ st.st_mtim.tv_sec }, l->data);
	return 0;
}

int store_file_list(struct store *store, const char *dir,
	void (*tell)(const char *name, struct instant changed, void *data), void *data,
	struct err *err)
{
	char *path AUTO_FREE = mem_printf("%s/x", dir);
	const char *name;
	int fd AUTO_CLOSE = open_parent(store, path, false, &name, err);
	struct listing l = { fd, tell, data };

	if (fd < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	return store_each_entry(fd, ".", list_one, &l, err);
}
