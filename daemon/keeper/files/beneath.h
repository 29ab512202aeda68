/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_FILES_BENEATH_H
#define CERTD_DAEMON_KEEPER_FILES_BENEATH_H

#include <stdbool.h>

struct buf;
struct err;

/*
 * A foreign directory belongs to another user, who may change it at any moment: every step goes
 * from an open directory to one name in it, never through a link, and files are written only
 * into what certd made.  The administrator names the root itself, so links on the way to it are
 * fine.
 *
 * Files are written whole, under a temporary name that the caller chooses (and has in its
 * journal, so that a crash leaves no unknown file), synced, and renamed into place.
 */

/* A directory the administrator named.  The descriptor, or -1. */
int beneath_open_root(const char *path, struct err *err);

/* The directory `name` in `parent` itself, not what a link leads to; -1 with errno. */
int beneath_open_dir(int parent, const char *name);

/*
 * The same, made with exactly this mode where it is missing; *is_new tells so.  -1 with a
 * sentence for a name that is no directory, and for a new one that was replaced meanwhile.
 */
int beneath_make_dir(
	int parent, const char *name, unsigned mode, bool *is_new, struct err *err);

/*
 * Writes the file `name` with mode 0644 through the temporary name `temp`; what is left of an
 * older attempt there goes first.  A regular file of that name is replaced, anything else is
 * refused.
 */
int beneath_replace(
	int dir, const char *name, const char *temp, const struct buf *data, struct err *err);

/* The same for a name that must be free; -1 with *is_foreign when it is taken. */
int beneath_create(int dir, const char *name, const char *temp, const struct buf *data,
	bool *is_foreign, struct err *err);

/*
 * Removes a file of ours; its absence is success.  A file that is not regular, has another
 * owner, or has another content than `data` (NULL: any) is not ours: it stays, -1 with
 * *is_foreign.
 */
int beneath_remove(
	int dir, const char *name, const struct buf *data, bool *is_foreign, struct err *err);

#endif
