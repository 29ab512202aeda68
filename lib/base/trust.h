/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_BASE_TRUST_H
#define CERTD_LIB_BASE_TRUST_H

#include <stddef.h>

struct stat;

/*
 * Files that root obeys are root's alone: another user who may write one of them, or a directory on the way
 * to it, is root.  The table in trust.c says for each kind of file which owner and mode it may have, and
 * whether it is refused or only warned about.  A daemon that is not root obeys nothing as root, so all is
 * fine there, but for a secret of another user than its own or root.
 *
 * All directories up to / count, and so do those to which links lead.  The sticky bit of one keeps others from
 * replacing an entry of root's, so that is fine on the way; the directory that the file itself lies in may not
 * be one in which others make files.
 */

enum trust {
	TRUST_CONFIG,      /* a file of the configuration, included or not */
	TRUST_CONFIG_DIR,  /* a directory above one */
	TRUST_PROGRAM,     /* of a hook, a command or a reload */
	TRUST_PROGRAM_DIR, /* a directory above one */
	TRUST_SECRET,      /* a file with a secret */
	TRUST_SECRET_DIR,  /* a directory above one */
};

enum trust_verdict { TRUST_FINE, TRUST_WARNED, TRUST_REFUSED };

#define TRUST_WHY_LEN 400

/* What is wrong with the file of that kind; `why` is a sentence that begins with the path. */
enum trust_verdict trust_stat(
	enum trust kind, const char *path, const struct stat *st, char why[TRUST_WHY_LEN]);

/* The worst of all directories on the way to an absolute path.  What is not there is fine. */
enum trust_verdict trust_dirs(enum trust kind, const char *path, char why[TRUST_WHY_LEN]);

/* File and directories together: the worse of both verdicts.  What is not there is fine. */
enum trust_verdict trust_program(const char *path, char why[TRUST_WHY_LEN]);
enum trust_verdict trust_secret(const char *path, char why[TRUST_WHY_LEN]);

#endif
