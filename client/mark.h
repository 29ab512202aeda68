/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_MARK_H
#define CERTD_CLIENT_MARK_H

struct buf;
struct err;
struct options;

/*
 * Root's mark for `revoke --now` (proto/revoke.h), left before the daemon is asked.
 *
 * The version that is meant is the one named, or else the current one as the daemon tells it; it goes
 * into the mark and into the request, so that nothing else can be made of either.  Only root can leave
 * a mark, because the directory is only root's to write to.
 */

/* Leaves the mark that the request needs, and adds the version to it.  Other requests need none. */
int mark_leave(const struct options *options, struct buf *request, struct err *err);

#endif
