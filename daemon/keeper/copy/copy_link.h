/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_COPY_COPY_LINK_H
#define CERTD_DAEMON_KEEPER_COPY_COPY_LINK_H

#include <stdbool.h>

struct copy;
struct err;

/*
 * Copies where the file system cannot exchange two names: the files lie in .versions/ID and curr is
 * a relative link, replaced by rename.  `place` is DIR/GROUP/SERVICE, open.
 */

/* The bare name in .versions that the link `name` points at; false when it is no such link. */
bool copy_link_target(int place, const char *name, char out[256]);

/* Is `name` a link to a directory with exactly these files? */
int copy_link_is_same(
	const struct copy *copy, int place, const char *name, bool *out, struct err *err);

/* Writes the version and the link `name` to it, through the name `temp`. */
int copy_link_put(
	struct copy *copy, int place, const char *name, const char *temp, struct err *err);

/* Removes the versions that no link points at any more, and .versions when it is empty. */
int copy_link_prune(int place, struct err *err);

#endif
