/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/copy/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keeper/copy/copy_dir.h"
#include "daemon/keeper/copy/copy_gone.h"
#include "daemon/keeper/copy/copy_link.h"
#include "daemon/keeper/copy/copy_lower.h"
#include "lib/base/err.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define CURR "curr"
#define NEXT "next"
#define NEW_NAME ".certd-new"
#define SWAP_NAME ".certd-swap"
#define OLD_NAME ".certd-old"
#define NEXT_NAME ".certd-next"
#define ASIDE_NAME "curr.before-certd"
/* Stands in a directory that was refused, so that it is never taken for the good one. */
#define REFUSED_NAME ".certd-refused"

static int fail(struct err *err, const char *what, const char *name)
{
	int sys = errno;

	return err_sys(err, err_code_of_errno(sys), sys, "cannot %s %s", what, name);
}

/* Where nothing was ever copied, nothing is to do. */
static int forgive_missing(struct err *err)
{
	if (err->code != ERR_NOT_FOUND)
		return -1;
	*err = (struct err)ERR_INIT;
	return 0;
}

static bool cannot_exchange(int sys)
{
	/* EXDEV: a directory on the lower layer of an overlay (copy_lower.h). */
	return sys == EINVAL || sys == ENOSYS || sys == EOPNOTSUPP || sys == EXDEV;
}

/* Directories from before certd at one place; only a mistake makes more. */
#define ASIDE_MAX 1000

/* The type of the file of this name: S_IFDIR, S_IFLNK ..., or 0 for none. */
static mode_t kind(int place, const char *name)
{
	struct stat st;

	return fstatat(place, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode & S_IFMT;
}

static int rename_to(int place, const char *from, const char *to, struct err *err)
{
	return renameat(place, from, place, to) < 0 ? fail(err, "rename into", to) : 0;
}

/* `name` cannot be moved or exchanged, as errno says. */
static int fail_move(
	const struct copy *copy, const char *what, const char *name, struct err *err)
{
	if (errno != EBUSY)
		return fail(err, what, name);
	return err_set(err, ERR_BAD_CONFIG,
		"%s/%s/%s/%s is a mount point, which cannot be replaced; mount the directory "
		"above it instead, or unmount it",
		copy->dir, copy->group, copy->service, name);
}

/* The first thing that could not be removed is noted: it is told, and fails nothing. */
static void note_untidy(struct copy *copy, const struct err *err)
{
	if (!err_is_set(&copy->untidy))
		copy->untidy = *err;
}

/* Frees the name; its files lie in .certd-gone until they are swept. */
static int take(const struct copy *copy, int place, const char *name, struct err *err)
{
	if (copy_gone_take(place, name, err) == 0)
		return 0;
	errno = err->sys;
	return errno == EBUSY ? fail_move(copy, "rename", name, err) : -1;
}

/* Frees the name; that its files are removed as well is a matter of tidiness. */
static int discard(struct copy *copy, int place, const char *name, struct err *err)
{
	struct err untidy;

	if (take(copy, place, name, err) < 0)
		return -1;
	if (copy_gone_sweep(place, &untidy) < 0)
		note_untidy(copy, &untidy);
	return 0;
}

/* The same where the name is not needed either. */
static void tidy(struct copy *copy, int place, const char *name)
{
	struct err untidy;

	if (discard(copy, place, name, &untidy) < 0)
		note_untidy(copy, &untidy);
}

/* A directory from before certd keeps its content under a name of its own. */
static int set_aside(struct copy *copy, int place, const char *from, struct err *err)
{
	char name[64] = ASIDE_NAME;

	for (int i = 2; i <= ASIDE_MAX; i++) {
		if (kind(place, name) == 0) {
			if (rename_to(place, from, name, err) < 0)
				return -1;
			free(copy->aside);
			copy->aside = mem_printf(
				"%s/%s/%s/%s", copy->dir, copy->group, copy->service, name);
			return 0;
		}
		snprintf(name, sizeof(name), "%s.%d", ASIDE_NAME, i);
	}
	return err_set(err, ERR_TOO_LARGE, "there are %d of %s already", ASIDE_MAX, ASIDE_NAME);
}

/*
 * After a crash around the first exchange .certd-swap holds the directory from before certd, or
 * the new files.  Nothing tells which, so neither is removed.
 */
static int spare_exchanged(struct copy *copy, int place, struct err *err)
{
	if (!copy->is_first || kind(place, OLD_NAME) != 0 || kind(place, SWAP_NAME) == 0)
		return 0;
	return set_aside(copy, place, SWAP_NAME, err);
}

static int is_same(
	const struct copy *copy, int place, const char *name, bool *out, struct err *err)
{
	if (kind(place, name) == S_IFLNK)
		return copy_link_is_same(copy, place, name, out, err);
	return copy_dir_is_same(copy, place, name, out, err);
}

/* Writes the files, complete and synced, under the name `temp`. */
static int prepare(struct copy *copy, int place, const char *temp, struct err *err)
{
	if (discard(copy, place, NEW_NAME, err) < 0 ||
		copy_dir_write(copy, place, NEW_NAME, err) < 0 ||
		discard(copy, place, temp, err) < 0 ||
		rename_to(place, NEW_NAME, temp, err) < 0)
		return -1;
	return file_sync_dir(place, ".", err);
}

/* An empty directory stands for "there was nothing", before curr is there for the first time. */
static int note_nothing(int place, struct err *err)
{
	if (mkdirat(place, OLD_NAME, 0700) < 0 && errno != EEXIST)
		return fail(err, "make the directory", OLD_NAME);
	return file_sync_dir(place, ".", err);
}

/*
 * The replaced files become what a failed check brings back, unless an older set waits for that
 * already: then this one has never passed a check.
 */
static int keep_replaced(struct copy *copy, int place, struct err *err)
{
	if (kind(place, SWAP_NAME) == 0)
		return 0;
	if (kind(place, OLD_NAME) != 0) {
		tidy(copy, place, SWAP_NAME);
		return 0;
	}
	return rename_to(place, SWAP_NAME, OLD_NAME, err);
}

static int move_aside(struct copy *copy, int place, struct err *err)
{
	if (discard(copy, place, SWAP_NAME, err) < 0)
		return -1;
	return renameat(place, CURR, place, SWAP_NAME) < 0
		       ? fail_move(copy, "rename", CURR, err)
		       : 0;
}

/*
 * The directory curr cannot be renamed, so it is copied out first, as what a restore brings
 * back.  The copy is complete and synced before anything of curr is removed: a repeat after a
 * crash finds it.
 */
static int drop_lower(struct copy *copy, int place, struct err *err)
{
	if (kind(place, OLD_NAME) == 0 &&
		(copy_lower_out(copy, place, CURR, NEW_NAME, err) < 0 ||
			rename_to(place, NEW_NAME, OLD_NAME, err) < 0))
		return -1;
	if (file_sync_dir(place, ".", err) < 0)
		return -1;
	return file_remove_tree(place, CURR, err);
}

/*
 * The directory curr makes room for a link.  Only this first time there is a moment without
 * curr.
 */
static int make_room(struct copy *copy, int place, struct err *err)
{
	if (discard(copy, place, SWAP_NAME, err) < 0)
		return -1;
	if (renameat(place, CURR, place, SWAP_NAME) == 0)
		return keep_replaced(copy, place, err);
	return errno == EXDEV ? drop_lower(copy, place, err)
			      : fail_move(copy, "rename", CURR, err);
}

/* Notes what the link curr points at, before it is turned. */
static int note_link(int place, const char *version, struct err *err)
{
	char target[300];

	if (kind(place, OLD_NAME) != 0)
		return 0; /* something older waits already */
	snprintf(target, sizeof(target), ".versions/%s", version);
	return symlinkat(target, place, OLD_NAME) < 0 ? fail(err, "make the link", OLD_NAME)
						      : 0;
}

static int switch_link(struct copy *copy, int place, struct err *err)
{
	char version[256];
	int r = 0;

	if (copy_link_target(place, CURR, version))
		r = note_link(place, version, err);
	else if (kind(place, CURR) == 0)
		r = kind(place, OLD_NAME) == 0 ? note_nothing(place, err) : 0;
	else
		r = make_room(copy, place, err);
	return r < 0 ? -1 : copy_link_put(copy, place, CURR, SWAP_NAME, err);
}

static int switch_dir(struct copy *copy, int place, struct err *err)
{
	if (prepare(copy, place, SWAP_NAME, err) < 0)
		return -1;
	if (kind(place, CURR) == 0) {
		if (note_nothing(place, err) < 0 || rename_to(place, SWAP_NAME, CURR, err) < 0)
			return -1;
	} else if (renameat2(place, SWAP_NAME, place, CURR, RENAME_EXCHANGE) < 0) {
		if (!cannot_exchange(errno))
			return fail_move(copy, "exchange", CURR, err);
		if (discard(copy, place, SWAP_NAME, err) < 0)
			return -1;
		return switch_link(copy, place, err);
	}
	if (file_sync_dir(place, ".", err) < 0 || keep_replaced(copy, place, err) < 0)
		return -1;
	return file_sync_dir(place, ".", err);
}

static bool is_refused(int place, const char *name)
{
	int fd AUTO_CLOSE =
		openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && file_exists(fd, REFUSED_NAME);
}

int copy_switch(struct copy *copy, bool *changed, struct err *err)
{
	int place AUTO_PLACE = copy_dir_open(copy, true, err);
	bool is_there;

	*changed = false;
	if (place < 0 || discard(copy, place, NEW_NAME, err) < 0 ||
		is_same(copy, place, CURR, &is_there, err) < 0)
		return -1;
	if (is_there)
		return keep_replaced(
			copy, place, err); /* a crash came right after the exchange */
	*changed = true;
	if (spare_exchanged(copy, place, err) < 0)
		return -1;
	/* A restore that was cut short: what has the old one's name is what was refused. */
	if (is_refused(place, OLD_NAME) && discard(copy, place, OLD_NAME, err) < 0)
		return -1;
	return copy->use_links ? switch_link(copy, place, err) : switch_dir(copy, place, err);
}

/* Removes by exact name what a copy may leave behind.  A leftover that stays is only noted. */
static int sweep(struct copy *copy, int place, struct err *err)
{
	static const char *const names[] = { OLD_NAME, SWAP_NAME, NEW_NAME, NEXT_NAME };
	struct err untidy;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		tidy(copy, place, names[i]);
	if (copy_gone_sweep(place, &untidy) < 0 || copy_link_prune(place, &untidy) < 0)
		note_untidy(copy, &untidy);
	return file_sync_dir(place, ".", err);
}

static bool is_empty_dir(int place, const char *name)
{
	int fd = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t n = 0;

	if (!dir) {
		file_closep(&fd);
		return false;
	}
	while ((entry = readdir(dir)))
		n += !str_is(entry->d_name, ".") && !str_is(entry->d_name, "..");
	closedir(dir);
	return n == 0;
}

int copy_settle(struct copy *copy, struct err *err)
{
	int place AUTO_PLACE = copy_dir_open(copy, false, err);

	if (place < 0)
		return forgive_missing(err);
	if (spare_exchanged(copy, place, err) < 0)
		return -1;
	if (copy->is_first && kind(place, OLD_NAME) != 0 && !is_empty_dir(place, OLD_NAME) &&
		set_aside(copy, place, OLD_NAME, err) < 0)
		return -1;
	return sweep(copy, place, err);
}

int copy_tidy(struct copy *copy, struct err *err)
{
	int place AUTO_PLACE = copy_dir_open(copy, false, err);

	if (place < 0)
		return forgive_missing(err);
	if (kind(place, OLD_NAME) != 0)
		return err_set(err, ERR_BUSY, "a deploy to %s is under way", copy->dir);
	if (spare_exchanged(copy, place, err) < 0)
		return -1;
	return sweep(copy, place, err);
}

static int refuse(int place, const char *name, struct err *err)
{
	int fd AUTO_CLOSE =
		openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return 0; /* a link: renamed over, never exchanged */
	if (file_exists(fd, REFUSED_NAME))
		return 0;
	return file_create(fd, REFUSED_NAME, "", 0, FILE_PUBLIC, err);
}

/* Brings OLD_NAME back as curr; a repeat after a crash in the middle ends the same. */
static int put_back(struct copy *copy, int place, struct err *err)
{
	if (is_refused(place, OLD_NAME))
		return 0; /* exchanged already */
	if (kind(place, CURR) != S_IFDIR) {
		/* A directory does not replace a link in one step. */
		if (kind(place, OLD_NAME) == S_IFDIR && discard(copy, place, CURR, err) < 0)
			return -1;
		return rename_to(place, OLD_NAME, CURR, err);
	}
	if (refuse(place, CURR, err) < 0)
		return -1;
	if (renameat2(place, OLD_NAME, place, CURR, RENAME_EXCHANGE) == 0)
		return 0;
	if (!cannot_exchange(errno))
		return fail_move(copy, "exchange", CURR, err);
	if (take(copy, place, CURR, err) < 0)
		return -1;
	return rename_to(place, OLD_NAME, CURR, err);
}

/* There was nothing before: so there is nothing again. */
static int take_away(struct copy *copy, int place, struct err *err)
{
	return kind(place, CURR) == 0 ? 0 : move_aside(copy, place, err);
}

int copy_restore(struct copy *copy, struct err *err)
{
	int place AUTO_PLACE = copy_dir_open(copy, false, err);

	if (place < 0)
		return -1;
	if (kind(place, OLD_NAME) == 0)
		return err_set(err, ERR_NOT_FOUND, "%s/%s has nothing to restore", copy->group,
			copy->service);
	if ((is_empty_dir(place, OLD_NAME) ? take_away : put_back)(copy, place, err) < 0)
		return -1;
	if (file_sync_dir(place, ".", err) < 0)
		return -1;
	return sweep(copy, place, err);
}

int copy_put_next(struct copy *copy, struct err *err)
{
	int place AUTO_PLACE = copy_dir_open(copy, true, err);
	bool is_there;

	if (place < 0 || is_same(copy, place, NEXT, &is_there, err) < 0)
		return -1;
	if (is_there)
		return 0;
	if (prepare(copy, place, NEXT_NAME, err) < 0)
		return -1;
	/* Nothing is configured to read next, so a moment without it does no harm. */
	if (renameat2(place, NEXT_NAME, place, NEXT, RENAME_EXCHANGE) < 0 &&
		(discard(copy, place, NEXT, err) < 0 ||
			rename_to(place, NEXT_NAME, NEXT, err) < 0))
		return -1;
	tidy(copy, place, NEXT_NAME);
	return file_sync_dir(place, ".", err);
}

int copy_drop_next(struct copy *copy, struct err *err)
{
	int place AUTO_PLACE = copy_dir_open(copy, false, err);
	struct err untidy;

	if (place < 0)
		return forgive_missing(err);
	if (discard(copy, place, NEXT_NAME, err) < 0)
		return -1;
	if (discard(copy, place, NEXT, err) < 0)
		return -1;
	if (copy_link_prune(place, &untidy) < 0)
		note_untidy(copy, &untidy);
	return file_sync_dir(place, ".", err);
}

int copy_is_there(struct copy *copy, bool *out, struct err *err)
{
	int place AUTO_PLACE = copy_dir_open(copy, false, err);

	*out = false;
	if (place < 0)
		return forgive_missing(err);
	return is_same(copy, place, CURR, out, err);
}
