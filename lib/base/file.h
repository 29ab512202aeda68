/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_FILE_H
#define CERTD_LIB_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/attr.h"

struct buf;
struct err;

/*
 * Files, relative to an open directory (AT_FDCWD for the working directory).
 *
 * Whatever is written here is written under a temporary name with its final mode and owner,
 * synced, renamed into place, and the directory synced: a reader sees the old file or the new
 * one, whole, and a crash leaves at most a name that starts with FILE_TEMP_PREFIX.  Reading is
 * bounded.  Links are never followed in the last component.
 */

#define FILE_TEMP_PREFIX ".tmp-"

/* For CLEANUP: closes when >= 0. */
void file_closep(int *fd);
#define AUTO_CLOSE CLEANUP(file_closep)

/* Reads a whole regular file of at most `limit` bytes, appended to `out`. */
int file_read(int dirfd, const char *path, size_t limit, struct buf *out, struct err *err);

/* Reads what is left of an open file or pipe, at most `limit` bytes. */
int file_read_fd(int fd, size_t limit, struct buf *out, struct err *err);

int file_write_fd(int fd, const void *data, size_t len, struct err *err);

/* How file_replace() and file_create() leave a file behind. */
struct file_mode {
	mode_t mode;
	uid_t uid; /* (uid_t)-1: as it comes */
	gid_t gid; /* (gid_t)-1: as it comes */
};
#define FILE_SECRET ((struct file_mode){ 0600, (uid_t)-1, (gid_t)-1 })
#define FILE_PUBLIC ((struct file_mode){ 0644, (uid_t)-1, (gid_t)-1 })

/* Creates or replaces `path` atomically and syncs it and its directory. */
int file_replace(int dirfd, const char *path, const void *data, size_t len,
	struct file_mode mode, struct err *err);

/*
 * Creates `path`, which must not exist, and syncs the file but not the directory: for filling a
 * new directory that nobody sees yet.
 */
int file_create(int dirfd, const char *path, const void *data, size_t len,
	struct file_mode mode, struct err *err);

/* Opens a directory without following a link at its end.  The descriptor, or -1. */
int file_open_dir(int dirfd, const char *path, struct err *err);

/* Makes a directory with exactly this mode, unless there is one.  0 or -1. */
int file_make_dir(int dirfd, const char *path, mode_t mode, struct err *err);

int file_sync_dir(int dirfd, const char *path, struct err *err);

/* Points the symbolic link `path` at `target` in one rename, and syncs the directory. */
int file_replace_link(int dirfd, const char *path, const char *target, struct err *err);

/* The target of a link into out; -1 with ERR_NOT_FOUND when there is none. */
int file_read_link(int dirfd, const char *path, char *out, size_t size, struct err *err);

/*
 * Removes a file or a whole tree, without following links; not being there is success.  ERR_TOO_LARGE
 * for a tree deeper than 32, which somebody else must have made.
 */
int file_remove_tree(int dirfd, const char *path, struct err *err);

bool file_exists(int dirfd, const char *path);

/*
 * May `name` be one path component that others chose?  No slash, no "." or "..", no leading dot,
 * no control character, at most 255 bytes.
 */
bool file_name_is_safe(const char *name);

#endif
