/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_TRUST_H
#define CERTD_LIB_BASE_TRUST_H

#include <stddef.h>

struct stat;

/*
 * A trust check finds files with power over root that another user may change: a user who may
 * write such a file, or a directory on the way to it, is root in effect. The table in trust.c says
 * for each kind of file which owner and mode it may have, and whether a violation is refused or
 * only warned about. A daemon that is not root grants no such power, so every file passes there,
 * except a secret that belongs neither to the daemon's user nor to root.
 *
 * All directories up to / count, and those on the way of links. The sticky bit of a directory
 * keeps other users from replacing root's entries, so it suffices on the way; the directory of
 * the file itself must not be one in which others can create files.
 */

enum trust {
	TRUST_CONFIG,      /* a file of the configuration, included or not */
	TRUST_CONFIG_DIR,  /* a directory above one */
	TRUST_PROGRAM,     /* of a hook, a command or a reload */
	TRUST_PROGRAM_DIR, /* a directory above one */
	TRUST_SECRET,      /* a file with a secret */
	/* Judges the file of this kind; `why` is a sentence that begins with the path. */
	TRUST_SECRET_DIR, /* a directory above one */
};

enum trust_verdict { TRUST_FINE, TRUST_WARNED, TRUST_REFUSED };

#define TRUST_WHY_LEN 400

/* Judges the file of this kind; `why` is a sentence that begins with the path. */
enum trust_verdict trust_stat(
	enum trust kind, const char *path, const struct stat *st, char why[TRUST_WHY_LEN]);

/* The worst verdict on the directories on the way to an absolute path. A missing path is fine. */
enum trust_verdict trust_dirs(enum trust kind, const char *path, char why[TRUST_WHY_LEN]);

/* The worse verdict on the file and its directories. A missing path is fine. */
enum trust_verdict trust_program(const char *path, char why[TRUST_WHY_LEN]);
enum trust_verdict trust_secret(const char *path, char why[TRUST_WHY_LEN]);

#endif
