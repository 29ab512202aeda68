/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_SERVE_MARK_H
#define CERTD_DAEMON_KEEPER_SERVE_MARK_H

struct err;
struct version_id;

/*
 * A mark is root's permission to revoke a current version (proto/revoke.h); the keeper reads it
 * here.
 *
 * File and directory must belong to the keeper's own user, which is root unless everything runs
 * as one user, and no other may write to them; so a file made by the engine's user is no mark.
 * A mark older than MARK_LIFE, or of later than now, counts for nothing and is removed.
 */

/*
 * 0 when there is a mark for exactly this version; else -1 with ERR_NOT_ALLOWED and what is
 * wrong.
 */
int mark_check(const char *socket, const char *cert, const struct version_id *version,
	struct err *err);

/* Takes the mark away; there being none is fine. */
void mark_remove(const char *socket, const char *cert);

#endif
