/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/keeper/copy/copy.h"
#include "daemon/keeper/files/beneath.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/list.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define PASS_MODE 0755    /* directories on the way */
#define KEY_DIR_MODE 0750 /* directories that hold keys */
#define LOCK_WAIT_MS 5000
#define LOCK_PAUSE_MS 10
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int fail(struct err *err, const char *what, const char *name)
{
	int sys = errno;

	return err_sys(err, sys == ENOENT ? ERR_NOT_FOUND : err_code_of_errno(sys), sys,
		"cannot %s %s", what, name);
}

static int change_owner(const struct copy *copy, int fd, const char *name, struct err *err)
{
	if (copy->uid == (uid_t)-1 && copy->gid == (gid_t)-1)
		return 0;
	return fchown(fd, copy->uid, copy->gid) < 0 ? fail(err, "change the owner of", name)
						    : 0;
}

/* So often another thread may be quicker or in the way, which makes the same directory. */
enum { MAKE_TRIES = 16 };

static int move_in(int parent, const char *temp, const char *name)
{
	if (renameat2(parent, temp, parent, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* Over an empty directory at most. */
	return renameat(parent, temp, parent, name);
}

/* An empty directory with its owner and mode, on the disk.  The descriptor, or -1. */
static int make_temp(const struct copy *owner, int parent, const char *temp, const char *name,
	struct err *err)
{
	int fd AUTO_CLOSE = -1, result;
	struct stat st;

	(void)unlinkat(parent, temp, AT_REMOVEDIR);
	if (mkdirat(parent, temp, 0700) < 0)
		return fail(err, "make the directory", name);
	/* By its descriptor, because who owns the parent may have put a link in its place. */
	fd = beneath_open_dir(parent, temp);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, "open the directory", name);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_NO_RIGHTS, "%s was replaced by another process", name);
	if (owner && change_owner(owner, fd, name, err) < 0)
		return -1;
	if (fchmod(fd, PASS_MODE) < 0)
		return fail(err, "change the mode of", name);
	if (fsync(fd) < 0)
		return fail(err, "sync", name);
	result = fd;
	fd = -1;
	return result;
}

/*
 * Makes a directory that is missing.  It gets its name last, complete and durable: what a crash
 * leaves under the name is never taken for what an administrator made so.  A name of certd's
 * own stands there before, the same one each time.  The descriptor, or -1; *is_made false:
 * another thread was quicker.
 */
static int make_dir(
	const struct copy *owner, int parent, const char *name, bool *is_made, struct err *err)
{
	char temp[32];
	int fd;

	snprintf(temp, sizeof(temp), ".certd-%016" PRIx64, str_hash(name, strlen(name)));
	*is_made = false;
	fd = make_temp(owner, parent, temp, name, err);
	if (fd < 0)
		return -1;
	if (move_in(parent, temp, name) < 0) {
		fail(err, "rename into", name);
		(void)unlinkat(parent, temp, AT_REMOVEDIR);
	} else {
		*is_made = true;
		if (file_sync_dir(parent, ".", err) == 0)
			return fd;
	}
	close(fd);
	return -1;
}

/* Opens with these flags what is there, or makes it. */
static int open_or_make(
	const struct copy *owner, int parent, const char *name, int flags, struct err *err)
{
	for (int i = 0; i < MAKE_TRIES; i++) {
		int fd = flags & O_PATH ? openat(parent, name, flags)
					: beneath_open_dir(parent, name);
		bool is_made;

		if (fd >= 0 || errno != ENOENT)
			return fd >= 0 ? fd : fail(err, "open the directory", name);
		*err = (struct err)ERR_INIT;
		fd = make_dir(owner, parent, name, &is_made, err);
		if (fd >= 0 || is_made)
			return fd;
		if (err->sys != EEXIST && err->sys != ENOENT && err->sys != ENOTEMPTY)
			return -1;
	}
	return -1;
}

int copy_dir_make(const struct copy *copy, int parent, const char *name, struct err *err)
{
	return open_or_make(copy, parent, name, DIR_FLAGS, err);
}

/* A component of the path to the root; from the first that is made on, links are not followed. */
static int enter(int parent, const char *name, bool *is_made, struct err *err)
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC | (*is_made ? O_NOFOLLOW : 0);
	int fd = openat(parent, name, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : fail(err, "open the directory", name);
	*is_made = true;
	return open_or_make(NULL, parent, name, flags | O_NOFOLLOW, err);
}

static int make_root(const char *dir, struct err *err)
{
	char *path AUTO_FREE = mem_strdup(dir), *rest;
	int at AUTO_CLOSE = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is_made = false;

	for (char *name = strtok_r(path, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		int next = enter(at, name, &is_made, err);

		if (next < 0)
			return -1;
		close(at);
		at = next;
	}
	return openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The target's own directory is named by the administrator, so links on the way to it are fine. */
static int open_root(const char *dir, bool create, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || !create)
		return fd >= 0 ? fd : fail(err, "open the directory", dir);
	*err = (struct err)ERR_INIT;
	fd = make_root(dir, err);
	if (fd < 0 && !err_is_set(err))
		return fail(err, "open the directory", dir);
	return fd < 0 ? err_add(err, "%s", dir) : fd;
}

/*
 * State: `places` lists the directories that calls of this process work at, guarded by
 * places_lock; a call adds its directory, and removes and frees it at its end.  It is no lock
 * of the file system: every user who may look into a directory could hold that, and no key
 * would ever get there.
 */
static struct list places = { &places, &places };
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;

struct place {
	struct list link;
	dev_t dev;
	ino_t ino;
};

static struct place *find_place(const struct stat *st)
{
	list_each(at, &places) {
		struct place *place = LIST_OF(at, struct place, link);

		if (place->dev == st->st_dev && place->ino == st->st_ino)
			return place;
	}
	return NULL;
}

static bool take_place(const struct stat *st)
{
	struct place *place;
	bool is_free;

	pthread_mutex_lock(&places_lock);
	is_free = !find_place(st);
	if (is_free) {
		place = mem_new(struct place);
		place->dev = st->st_dev;
		place->ino = st->st_ino;
		list_append(&places, &place->link);
	}
	pthread_mutex_unlock(&places_lock);
	return is_free;
}

/*
 * Two calls for one place wait for each other: a copy whose job was cancelled may still be on its
 * way in a thread.  Not for ever, because the disk below it may never answer.
 */
static int lock_place(int fd, struct err *err)
{
	static const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	struct stat st;

	if (fstat(fd, &st) < 0) {
		fail(err, "look at", "the directory");
		close(fd);
		return -1;
	}
	for (int i = 0; i < LOCK_WAIT_MS / LOCK_PAUSE_MS; i++) {
		if (take_place(&st))
			return fd;
		nanosleep(&pause, NULL);
	}
	err_set(err, ERR_TIMEOUT, "another copy to the directory has not ended");
	close(fd);
	return -1;
}

void copy_dir_close(int *fd)
{
	struct place *place;
	struct stat st;

	if (*fd < 0)
		return;
	if (fstat(*fd, &st) == 0) {
		pthread_mutex_lock(&places_lock);
		place = find_place(&st);
		if (place)
			list_remove(&place->link);
		pthread_mutex_unlock(&places_lock);
		free(place);
	}
	file_closep(fd);
}

int copy_dir_open(const struct copy *copy, bool create, struct err *err)
{
	int root AUTO_CLOSE = open_root(copy->dir, create, err);
	int group AUTO_CLOSE = -1;
	int fd;

	if (root < 0)
		return -1;
	if (!file_name_is_safe(copy->group) || !file_name_is_safe(copy->service))
		return err_set(err, ERR_BAD_VALUE, "%s/%s cannot name a directory", copy->group,
			copy->service);
	if (create) {
		group = copy_dir_make(copy, root, copy->group, err);
		fd = group < 0 ? -1 : copy_dir_make(copy, group, copy->service, err);
	} else {
		group = beneath_open_dir(root, copy->group);
		fd = group < 0 ? -1 : beneath_open_dir(group, copy->service);
		if (fd < 0)
			fail(err, "open", "it");
	}
	if (fd >= 0)
		fd = lock_place(fd, err);
	return fd < 0 ? err_add(err, "%s/%s/%s", copy->dir, copy->group, copy->service) : fd;
}

static bool holds_keys(const struct copy *copy)
{
	for (size_t i = 0; i < copy->n_files; i++)
		if (copy->files[i].has_key)
			return true;
	return false;
}

static mode_t dir_mode(const struct copy *copy)
{
	return holds_keys(copy) ? KEY_DIR_MODE : PASS_MODE;
}

static int write_file(
	const struct copy *copy, int dirfd, const struct copy_file *file, struct err *err)
{
	struct file_mode mode = { file->mode, copy->uid, copy->gid };
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = copy->version.made.s, .tv_nsec = file->mark } };

	if (file_create(dirfd, file->name, file->data.data, file->data.len, mode, err) < 0)
		return -1;
	if (file->mark && utimensat(dirfd, file->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, "set the time of", file->name);
	return 0;
}

int copy_dir_write(const struct copy *copy, int parent, const char *name, struct err *err)
{
	int fd AUTO_CLOSE = -1;
	struct stat st;

	if (file_remove_tree(parent, name, err) < 0)
		return -1;
	if (mkdirat(parent, name, 0700) < 0)
		return fail(err, "make the directory", name);
	fd = beneath_open_dir(parent, name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, "open the directory", name);
	/* The owner of the parent may have put another one in its place. */
	if (st.st_uid != geteuid() || (st.st_mode & 07777 & ~(mode_t)S_ISGID) != 0700)
		return err_set(err, ERR_NO_RIGHTS, "%s was replaced by another process", name);
	for (size_t i = 0; i < copy->n_files; i++)
		if (write_file(copy, fd, &copy->files[i], err) < 0)
			return err_add(err, "%s", name);
	if (change_owner(copy, fd, name, err) < 0)
		return -1;
	if (fchmod(fd, dir_mode(copy)) < 0)
		return fail(err, "change the mode of", name);
	return fsync(fd) < 0 ? fail(err, "sync", name) : 0;
}

static bool has_owner(const struct copy *copy, const struct stat *st, mode_t mode)
{
	return (copy->uid == (uid_t)-1 || st->st_uid == copy->uid) &&
	       (copy->gid == (gid_t)-1 || st->st_gid == copy->gid) &&
	       (st->st_mode & 07777) == mode;
}

static bool is_marked(const struct copy *copy, const struct stat *st, uint32_t mark)
{
	/* Some file systems keep whole seconds only. */
	return st->st_mtim.tv_sec == copy->version.made.s &&
	       (st->st_mtim.tv_nsec == (long)mark || st->st_mtim.tv_nsec == 0);
}

static bool is_same_file(const struct copy *copy, int dirfd, const struct copy_file *want)
{
	int fd AUTO_CLOSE =
		openat(dirfd, want->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct secret have AUTO_SECRET = SECRET_INIT;
	struct err err = ERR_INIT;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		!has_owner(copy, &st, want->mode))
		return false;
	if (want->mark)
		return st.st_size > 0 && is_marked(copy, &st, want->mark);
	if (st.st_size != (off_t)want->data.len)
		return false;
	return secret_read_fd(fd, want->data.len, &have, &err) == 0 &&
	       secret_equal(&have, &want->data);
}

/* The number of entries, none of which is looked at; more than `limit` is limit + 1. */
static size_t count_entries(int dirfd, size_t limit)
{
	int fd = openat(dirfd, ".", DIR_FLAGS);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t n = 0;

	if (!dir) {
		file_closep(&fd);
		return limit + 1;
	}
	while (n <= limit && (entry = readdir(dir)))
		n += !str_is(entry->d_name, ".") && !str_is(entry->d_name, "..");
	closedir(dir);
	return n;
}

int copy_dir_is_same(
	const struct copy *copy, int parent, const char *name, bool *out, struct err *err)
{
	int fd AUTO_CLOSE = beneath_open_dir(parent, name);
	struct stat st;

	*out = false;
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == EXDEV))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, "open the directory", name);
	if (!has_owner(copy, &st, dir_mode(copy)))
		return 0;
	for (size_t i = 0; i < copy->n_files; i++)
		if (!is_same_file(copy, fd, &copy->files[i]))
			return 0;
	*out = count_entries(fd, copy->n_files) == copy->n_files;
	return 0;
}
