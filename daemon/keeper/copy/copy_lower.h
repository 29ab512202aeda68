/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_COPY_COPY_LOWER_H
#define CERTD_DAEMON_KEEPER_COPY_COPY_LOWER_H

struct copy;
struct err;

/*
 * A directory on the lower layer of an overlay, such as one of a container's image: it can be
 * read and removed, but neither renamed nor exchanged (EXDEV).  `place` is DIR/GROUP/SERVICE,
 * open.
 */

/*
 * Makes `to`, a complete and synced copy of the directory `from`, with the same owners and modes.
 * ERR_BAD_CONFIG when there is anything but plain files in it.
 */
int copy_lower_out(
	const struct copy *copy, int place, const char *from, const char *to, struct err *err);

#endif
