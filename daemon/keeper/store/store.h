/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_STORE_STORE_H
#define CERTD_DAEMON_KEEPER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/facts.h"

struct buf;
struct conf;
struct err;
struct version_files;

/*
 * The store is what is on disk of every certificate, and the only code that changes it.
 *
 *   certs/GROUP/SERVICE/{curr,next,prev} -> versions/ID     relative links
 *   certs/GROUP/SERVICE/versions/ID/...                     immutable, complete before linked
 *   certs/GROUP/SERVICE/keys/                               keys without a certificate
 *   facts/GROUP/SERVICE                                     failures, targets: what a version
 *                                                           cannot say
 *   facts/index                                             a cache of all facts, never believed
 *                                                           blindly
 *   archive/GROUP/SERVICE.TIME/                             what left the configuration
 *   quarantine/                                             what was found damaged or foreign
 *
 * A version is written under a temporary name, every file and directory synced, renamed into
 * versions/, and only then linked; links move by rename and last.  So a crash between any two
 * system calls leaves the old state or the new one, plus temporaries that store_open() sweeps.
 * Damage is repaired from what the versions themselves say, or moved to quarantine/, told as an
 * event, and never stops another certificate.  A link never goes back in notAfter by itself.
 *
 * This header is a seam: store.c and its neighbours work on disk, tests/sim/store_memory.c in
 * memory.  The store holds no facts of idle certificates in memory.  One process at a time has
 * it open.
 */

struct store;

/*
 * Opens or creates the tree below `state_dir`, takes its lock and sweeps temporaries.  Fails with
 * ERR_BUSY when another process has it, and when the directory is not the daemon's own.
 */
int store_open(const char *state_dir, struct store **out, struct err *err);
void store_close(struct store *store); /* NULL is fine */

/*
 * The facts of one certificate, read from disk and repaired where needed.  A certificate that
 * has nothing on disk yet has empty facts, which is success.  The caller owns *out
 * (facts_done). -1 means that this certificate cannot be used now (foreign owner, unreadable):
 * the sentence says why.
 */
int store_read(struct store *store, const char *cert, struct cert_facts *out, struct err *err);

/*
 * All certificates of a configuration, in its order, through the index where that agrees with the
 * disk and by store_read() where not.  `tell` gets each one's line (facts_write() form), or NULL
 * and the error.  The lines are valid during the call only.  Where there is no index at all, one is
 * written on the way.
 */
void store_read_all(struct store *store, const struct conf *conf,
	void (*tell)(const char *cert, const char *line, const struct err *err, void *data),
	void *data);

/* Keeps the failure and the targets of `facts`; versions and links are not touched. */
int store_write_facts(struct store *store, const struct cert_facts *facts, struct err *err);

/*
 * Adds a complete version and links it as next.  The id is made here from version->created and put
 * into version->id; the rest of *version goes into the info file through `files`.
 */
int store_add(struct store *store, const char *cert, const struct version_files *files,
	struct version_facts *version, struct err *err);

/*
 * Makes next current: prev -> what was curr, curr -> next, next removed, `rolled` noted.
 * ERR_NO_NEXT when there is none.  Doing it again after a crash in the middle ends the same.
 */
int store_roll(struct store *store, const char *cert, struct instant now, struct err *err);

/*
 * Links a version that is there already as next: one that was added when a crash came before
 * its link. ERR_NO_SUCH_VERSION when there is none.
 */
int store_set_next(struct store *store, const char *cert, const struct version_id *version,
	struct err *err);

/*
 * Notes in a version that it was revoked; a second time changes nothing.  It is next no longer, and
 * becomes current again only when there is no other.
 */
int store_set_revoked(struct store *store, const char *cert, const struct version_id *version,
	struct instant now, struct err *err);

/* Removes the next link: the version stays until pruned. */
int store_drop_next(struct store *store, const char *cert, struct err *err);

/*
 * One file of a version, appended to *out; NULL for `version` means the current one.  Before a key
 * is handed out it is compared with the certificate beside it.
 */
int store_read_file(struct store *store, const char *cert, const struct version_id *version,
	const char *file, size_t limit, struct buf *out, struct err *err);

/* All versions that are whole, newest first; `role` is "curr", "next", "prev" or "". */
int store_versions(struct store *store, const char *cert,
	void (*tell)(const struct version_facts *version, const char *role, void *data),
	void *data, struct err *err);

/*
 * Deletes the oldest versions beyond `keep`, never a linked one, what a target still has, or
 * what is still to be revoked.  *n_deleted counts them.
 */
int store_prune(
	struct store *store, const char *cert, size_t keep, size_t *n_deleted, struct err *err);

/*
 * Brings the tree in line with a configuration: archives certificates that are in the store and not
 * in the configuration, brings archived ones back that are in it again, takes over `was` names.
 */
int store_align(struct store *store, const struct conf *conf, struct err *err);

/* Did anything change that the index does not have yet? */
bool store_has_changed(const struct store *store);

/* Writes the index when something changed since; at stop and now and then. */
int store_write_index(struct store *store, const struct conf *conf, struct err *err);

#endif
