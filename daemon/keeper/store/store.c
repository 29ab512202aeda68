/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/store/store_private.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

/* Room for what quarantine and archive put behind it in one file name. */
#define SERVICE_MAX 180

int store_check_owner(const struct store *store, int fd, const char *what, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot stat %s", what);
	if (st.st_uid != store->uid)
		return err_set(err, ERR_BROKEN_STORE, "%s belongs to user %u, not to user %u",
			what, (unsigned)st.st_uid, (unsigned)store->uid);
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 07777) == 0700)
		return 0;
	if ((st.st_mode & 077 || (st.st_mode & 0700) != 0700) && fchmod(fd, 0700) < 0)
		return err_sys(err, err_code_of_errno(errno), errno,
			"%s is open to others and cannot be closed", what);
	return 0;
}

int store_make_dir(int parent, const char *name, struct err *err)
{
	int fd = file_open_dir(parent, name, err);

	if (fd >= 0 || err->code != ERR_NOT_FOUND)
		return fd;
	*err = (struct err)ERR_INIT;
	if (file_make_dir(parent, name, 0700, err) < 0 || file_sync_dir(parent, ".", err) < 0)
		return -1;
	return file_open_dir(parent, name, err);
}

void store_temp_name(char out[TEMP_NAME_LEN])
{
	uint64_t r;

	rand_bytes(&r, sizeof(r));
	snprintf(out, TEMP_NAME_LEN, FILE_TEMP_PREFIX "%016" PRIx64, r);
}

int store_replace(int temp_dir, int dir, const char *name, const struct buf *data,
	struct file_mode mode, struct err *err)
{
	char temp[TEMP_NAME_LEN];

	store_temp_name(temp);
	if (file_create(temp_dir, temp, data->data, data->len, mode, err) < 0) {
		unlinkat(temp_dir, temp, 0);
		return err_add(err, "%s", name);
	}
	if (renameat(temp_dir, temp, dir, name) < 0) {
		err_sys(err, err_code_of_errno(errno), errno, "cannot rename into %s", name);
		unlinkat(temp_dir, temp, 0);
		return -1;
	}
	return file_sync_dir(dir, ".", err);
}

int store_each_entry(int dirfd, const char *path, int (*each)(const char *name, void *data),
	void *data, struct err *err)
{
	int fd = file_open_dir(dirfd, path, err), result = 0;
	DIR *dir;

	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir) {
		err_sys(err, err_code_of_errno(errno), errno, "cannot read %s", path);
		close(fd);
		return -1;
	}
	for (struct dirent *e; result == 0 && (errno = 0, e = readdir(dir));)
		if (!str_is(e->d_name, ".") && !str_is(e->d_name, ".."))
			result = each(e->d_name, data);
	if (result == 0 && errno)
		result = err_sys(err, err_code_of_errno(errno), errno, "cannot read %s", path);
	closedir(dir);
	return result;
}

static int sweep_one(const char *name, void *data)
{
	const int *fd = data;
	struct err err;

	if (str_starts(name, FILE_TEMP_PREFIX) && file_remove_tree(*fd, name, &err) < 0)
		log_debug(NULL, "%s", err.text);
	return 0;
}

void store_sweep(int fd)
{
	struct err err;

	store_each_entry(fd, ".", sweep_one, &fd, &err);
}

int cert_name_split(const char *cert, char group[256], const char **service, struct err *err)
{
	const char *slash = strchr(cert, '/');
	size_t len = slash ? (size_t)(slash - cert) : 0;

	if (slash && len < 256) {
		memcpy(group, cert, len);
		group[len] = 0;
		*service = slash + 1;
		if (file_name_is_safe(group) && file_name_is_safe(*service) &&
			strlen(*service) <= SERVICE_MAX && !str_is(group, "index"))
			return 0;
	}
	return err_set(err, ERR_BAD_VALUE,
		"%.100s cannot be the name of a certificate in the store", cert);
}

static int open_cert_dir(struct cert_dir *dir, bool make, struct err *err)
{
	int (*open_dir)(int, const char *, struct err *) =
		make ? store_make_dir : file_open_dir;
	int group AUTO_CLOSE = open_dir(dir->store->certs, dir->group, err);

	if (group < 0 || store_check_owner(dir->store, group, dir->group, err) < 0)
		return -1;
	dir->fd = open_dir(group, dir->service, err);
	if (dir->fd < 0)
		return -1;
	return store_check_owner(dir->store, dir->fd, dir->cert, err);
}

int cert_dir_open(
	struct store *store, const char *cert, bool make, struct cert_dir *out, struct err *err)
{
	*out = (struct cert_dir){ .store = store, .cert = cert, .fd = -1 };
	*err = (struct err)ERR_INIT;
	out->log = (struct log_field){ "CERT", cert, NULL };
	if (cert_name_split(cert, out->group, &out->service, err) < 0)
		return -1;
	if (open_cert_dir(out, make, err) < 0) {
		if (err->code == ERR_NOT_FOUND && !make) {
			*err = (struct err)ERR_INIT;
			return 0;
		}
		cert_dir_done(out);
		return err_add(err, "the store of %s", cert);
	}
	return 0;
}

void cert_dir_done(struct cert_dir *dir)
{
	file_closep(&dir->fd);
}

/* quarantine/GROUP/SERVICE.LABEL.TIME, with a number behind where that is taken. */
static int move_to_quarantine(const struct cert_dir *dir, int from, const char *name,
	const char *label, struct err *err)
{
	int root AUTO_CLOSE = store_make_dir(dir->store->root, "quarantine", err);
	int group AUTO_CLOSE = root < 0 ? -1 : store_make_dir(root, dir->group, err);
	char now[INSTANT_TEXT_LEN], to[256];

	if (group < 0)
		return -1;
	instant_compact(clock_now(), now);
	for (unsigned i = 1; i < 10000; i++) {
		snprintf(to, sizeof(to), "%s.%.32s.%s-%u", dir->service, label, now, i);
		if (renameat2(from, name, group, to, RENAME_NOREPLACE) == 0) {
			if (fsync(from) < 0 || fsync(group) < 0)
				return err_sys(
					err, err_code_of_errno(errno), errno, "cannot sync");
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return err_sys(err, err_code_of_errno(errno), errno, "cannot rename %s", name);
}

int store_quarantine(const struct cert_dir *dir, int from, const char *name, const char *label,
	const struct err *why, struct err *err)
{
	struct err reason = *why;

	dir->store->is_dirty = true;
	if (move_to_quarantine(dir, from, name, label, err) < 0)
		return err_add(err, "cannot set %s of %s aside, which is damaged (%.120s)",
			label, dir->cert, reason.text);
	log_event(&dir->log, EVENT_STORE_QUARANTINED, &reason,
		"%s of %s was moved to quarantine", label, dir->cert);
	return 0;
}

/* An existing state directory is used only when no other user can reach into it. */
static int open_root(struct store *store, struct err *err)
{
	struct err inner;

	if (mkdir(store->path, 0700) == 0) {
		char *copy AUTO_FREE = mem_strdup(store->path);
		char *slash = strrchr(copy, '/');

		if (slash)
			slash[slash == copy] = 0;
		if (file_sync_dir(AT_FDCWD, slash ? copy : ".", err) < 0)
			return -1;
	} else if (errno != EEXIST) {
		return err_sys(err, err_code_of_errno(errno), errno,
			"cannot make the state directory %s", store->path);
	}
	/* Followed here and only here: with DynamicUser= systemd makes it a link. */
	store->root = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->root < 0)
		return err_sys(err, err_code_of_errno(errno), errno,
			"cannot open the state directory %s", store->path);
	if (store_check_owner(store, store->root, store->path, &inner) < 0) {
		*err = inner;
		return err_add(err, "the state directory cannot be used");
	}
	return 0;
}

static int take_lock(struct store *store, struct err *err)
{
	/* Read-only, so that it also works on a disk that is. */
	store->lock = openat(store->root, "lock",
		O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (store->lock < 0)
		return err_sys(err, err_code_of_errno(errno), errno, "cannot open %s/lock",
			store->path);
	if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_BUSY, "another certd holds %s", store->path);
	return err_sys(err, err_code_of_errno(errno), errno, "cannot lock %s", store->path);
}

static int open_tree(struct store *store, const char *name, struct err *err)
{
	int fd = store_make_dir(store->root, name, err);

	if (fd >= 0 && store_check_owner(store, fd, name, err) < 0)
		file_closep(&fd);
	return fd < 0 ? err_add(err, "%s", store->path) : fd;
}

int store_open(const char *state_dir, struct store **out, struct err *err)
{
	struct store *store = mem_new(struct store);

	*err = (struct err)ERR_INIT;
	store->path = mem_strdup(state_dir);
	store->root = store->certs = store->facts = store->lock = -1;
	store->uid = geteuid();
	if (open_root(store, err) < 0 || take_lock(store, err) < 0 ||
		(store->certs = open_tree(store, "certs", err)) < 0 ||
		(store->facts = open_tree(store, "facts", err)) < 0) {
		store_close(store);
		return -1;
	}
	store_sweep(store->facts);
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	file_closep(&store->facts);
	file_closep(&store->certs);
	file_closep(&store->root);
	file_closep(&store->lock);
	free(store->path);
	free(store);
}
