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
 * A file function works relative to an open directory (AT_FDCWD for the working directory) and
 * replaces files atomically.
 *
 * A file is written under a temporary name with its final mode and owner, synced, renamed into
 * place, and its directory synced: a reader sees the old file or the new one, whole, and a
 * crash leaves at most a name that starts with FILE_TEMP_PREFIX. Reading is bounded. Links in
 * the last component are never followed.
 */

#define FILE_TEMP_PREFIX ".tmp-"

/* For CLEANUP: closes when >= 0. */
void file_closep(int *fd);
#define AUTO_CLOSE CLEANUP(file_closep)

/* Appends a whole regular file of at most `limit` bytes to `out`. */
int file_read(int dirfd, const char *path, size_t limit, struct buf *out, struct err *err);

/* Appends the rest of an open file or pipe, at most `limit` bytes. */
int file_read_fd(int fd, size_t limit, struct buf *out, struct err *err);

int file_write_fd(int fd, const void *data, size_t len, struct err *err);

/* Mode and owner that file_replace() and file_create() give a file. */
struct file_mode {
	mode_t mode;
	uid_t uid; /* (uid_t)-1: unchanged */
	gid_t gid; /* (gid_t)-1: unchanged */
};
#define FILE_SECRET ((struct file_mode){ 0600, (uid_t)-1, (gid_t)-1 })
#define FILE_PUBLIC ((struct file_mode){ 0644, (uid_t)-1, (gid_t)-1 })

/* Creates or replaces `path` atomically and syncs it and its directory. */
int file_replace(int dirfd, const char *path, const void *data, size_t len,
	struct file_mode mode, struct err *err);

/*
 * Creates `path`, which must not exist, and syncs the file but not the directory: for filling a
 * new directory that is not yet in use.
 */
int file_create(int dirfd, const char *path, const void *data, size_t len,
	struct file_mode mode, struct err *err);

/* Opens a directory; a link at the end is an error. Returns the descriptor, or -1. */
int file_open_dir(int dirfd, const char *path, struct err *err);

/* Makes a directory with exactly this mode, unless it exists. 0 or -1. */
int file_make_dir(int dirfd, const char *path, mode_t mode, struct err *err);

int file_sync_dir(int dirfd, const char *path, struct err *err);

/* Points the symbolic link `path` at `target` in one rename, and syncs the directory. */
int file_replace_link(int dirfd, const char *path, const char *target, struct err *err);

/* Writes the target of a link to out; -1 with ERR_NOT_FOUND when there is no link. */
int file_read_link(int dirfd, const char *path, char *out, size_t size, struct err *err);

/*
 * Removes a file or a whole tree, without following links; a missing path is success.
 * ERR_TOO_LARGE for a tree deeper than 32 levels, which certd never makes.
 */
int file_remove_tree(int dirfd, const char *path, struct err *err);

bool file_exists(int dirfd, const char *path);

/*
 * Is a foreign `name` safe as one path component? No slash, no "." or "..", no leading dot, no
 * control character, at most 255 bytes.
 */
bool file_name_is_safe(const char *name);

#endif
