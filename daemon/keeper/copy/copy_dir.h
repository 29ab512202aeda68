/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_COPY_COPY_DIR_H
#define CERTD_DAEMON_KEEPER_COPY_COPY_DIR_H

#include <stdbool.h>

#include "lib/base/attr.h"

struct copy;
struct err;

/*
 * A target directory is opened safely, written whole, and compared.  For copy.c and
 * copy_link.c.
 *
 * Its owner may be another user, who may change it at any moment.  So every step goes from an
 * open directory to one name in it, never through a link, and files are written only into
 * directories that certd made and still owns.
 */

/*
 * Opens and locks DIR/GROUP/SERVICE, made where it is missing and `create`.  ERR_NOT_FOUND when it
 * is missing and not to be made, ERR_TIMEOUT when another call does not come to its end.
 */
int copy_dir_open(const struct copy *copy, bool create, struct err *err);

/* Unlocks and closes what copy_dir_open() gave; -1 is fine. */
void copy_dir_close(int *fd);
#define AUTO_PLACE CLEANUP(copy_dir_close)

/* Makes the directory `name` in `parent` with all files of the copy; what has this name goes. */
int copy_dir_write(const struct copy *copy, int parent, const char *name, struct err *err);

/* Makes an empty directory for others to look through, unless it is there; opened. */
int copy_dir_make(const struct copy *copy, int parent, const char *name, struct err *err);

/* Are exactly the files of the copy in `name`? */
int copy_dir_is_same(
	const struct copy *copy, int parent, const char *name, bool *out, struct err *err);

#endif
