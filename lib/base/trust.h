/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_TRUST_H
#define CERTD_LIB_BASE_TRUST_H

#include <stddef.h>

struct stat;

/*
 * Files that root obeys are root's alone: another user who may write one of them, or the directory that it
 * lies in, is root.  The table in trust.c says for each kind of file which owner and mode it may have, and
 * whether it is refused or only warned about.  A daemon that is not root obeys nothing as root, so all is
 * fine there.  The sticky bit of a directory keeps others from replacing what is root's.
 */

enum trust {
	TRUST_CONFIG,      /* a file of the configuration, included or not */
	TRUST_CONFIG_DIR,  /* the directory of one */
	TRUST_PROGRAM,     /* of a hook, a command or a reload */
	TRUST_PROGRAM_DIR, /* the directory of one */
	TRUST_SECRET,      /* a file with a secret */
};

enum trust_verdict { TRUST_FINE, TRUST_WARNED, TRUST_REFUSED };

#define TRUST_WHY_LEN 400

/* What is wrong with the file of that kind; `why` is a sentence that begins with the path. */
enum trust_verdict trust_stat(
	enum trust kind, const char *path, const struct stat *st, char why[TRUST_WHY_LEN]);

/*
 * The same for a path, links followed; and for the directory that it lies in, of the link and of what it
 * leads to.  The worse of all verdicts.  What is not there is fine.
 */
enum trust_verdict trust_path(enum trust kind, const char *path, char why[TRUST_WHY_LEN]);
enum trust_verdict trust_dir_of(enum trust kind, const char *path, char why[TRUST_WHY_LEN]);

/* Program and directory together. */
enum trust_verdict trust_program(const char *path, char why[TRUST_WHY_LEN]);

#endif
