/* SPDX-License-Identifier: MIT */
#ifndef CERTD_CLIENT_MARK_H
#define CERTD_CLIENT_MARK_H

struct buf;
struct err;
struct options;

/*
 * A mark confirms `revoke --now` as root (proto/revoke.h), before the daemon is asked.
 *
 * The version is the one named, or else the daemon's current one; it goes into the mark and
 * into the request, so that both mean the same. Only root can leave a mark, because only root
 * can write to the directory.
 */

/*
 * Leaves the mark that the request needs, and adds the version to it. Other requests are left
 * as they are.
 */
int mark_leave(const struct options *options, struct buf *request, struct err *err);

#endif
