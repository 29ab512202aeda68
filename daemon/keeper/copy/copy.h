/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_COPY_COPY_H
#define CERTD_DAEMON_KEEPER_COPY_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/crypt/secret.h"
#include "proto/facts.h"

struct buf;
struct cert_conf;
struct target_conf;

/*
 * Deploying to a directory of this machine: DIR/GROUP/SERVICE/curr/ with plain files, exchanged
 * as one in a single rename.
 *
 *   copy_init      reads the version's files and makes what the formats ask for, in memory
 *   copy_switch    writes them beside curr, complete and synced, and exchanges the two
 *   ... the server's check runs ...
 *   copy_settle    removes what was there before      or
 *   copy_restore   puts it back
 *   ... the server is reloaded, but not after a restore ...
 *   copy_done
 *
 * All that is needed to go on lies on the disk, so each call is complete in itself, may be
 * repeated, and may follow a crash of any other:
 *   .certd-new    being written
 *   .certd-swap   complete, or just replaced
 *   .certd-next   the same for next
 *   .certd-old    the files that passed a check last, until settled; empty: there were none
 *   .certd-gone   a folder of what is being removed
 * Files are created with their final owner and mode before they hold a byte.  Directories are
 * opened one below the other without following links, and what the owner of the directory does
 * to these names meanwhile can spoil his own directory only.  Nothing is removed by a pattern.
 *
 * A directory that lay at curr before the first deploy (is_first) is not certd's to remove:
 * copy_settle() moves it to curr.before-certd, or with a number behind that.
 *
 * Where the file system cannot exchange, and with `layout: link`, curr is a link to
 * .versions/ID, replaced by rename.
 *
 * copy_init() reads the store and so belongs to the loop.  All others touch only the disk and
 * *copy: they sync, and may run in a thread (lib/task/worker.h).  Calls for one place
 * wait for each other.
 */

struct copy_file {
	const char *name;
	mode_t mode;
	bool has_key;
	struct secret data;
	/*
	 * PKCS#12 made twice has different bytes, so its time of change says what it was made of:
	 * nanoseconds from the digest of that.  0: compare the bytes.
	 */
	uint32_t mark;
};

#define COPY_FILES_MAX 10

struct copy {
	char *dir, *group, *service;
	struct version_id version;
	struct copy_file files[COPY_FILES_MAX];
	size_t n_files;
	uid_t uid;
	gid_t gid;
	bool use_links;    /* `layout: link`: as if the file system could not exchange */
	struct err untidy; /* the first leftover that could not be removed; fails nothing */
	/* No deploy to this directory has passed its check: an older curr is not certd's. */
	bool is_first;
	char *aside; /* the path that it was moved to; NULL: there was nothing */
};

/* Reads one file of the version ("privkey.pem") into *out; -1 with err. */
typedef int copy_read(void *data, const char *file, struct buf *out, struct err *err);

/* Fills a zeroed *copy.  The caller calls copy_done() in any case. */
int copy_init(struct copy *copy, const struct target_conf *target, const struct cert_conf *cert,
	const struct version_id *version, copy_read *read, void *data, struct err *err);

/*
 * The same without the files: enough for copy_settle(), copy_restore(), copy_drop_next() and
 * copy_path().
 */
void copy_init_place(
	struct copy *copy, const struct target_conf *target, const struct cert_conf *cert);
void copy_done(struct copy *copy);

/* *changed: false when everything was there already. */
int copy_switch(struct copy *copy, bool *changed, struct err *err);
int copy_settle(struct copy *copy, struct err *err);

/*
 * Tries to remove leftovers again; the first that stays is in copy->untidy.  ERR_BUSY when a deploy
 * is under way, whose end does the same.
 */
int copy_tidy(struct copy *copy, struct err *err);

/* ERR_NOT_FOUND when nothing waits to be restored. */
int copy_restore(struct copy *copy, struct err *err);

/* The same files as next/, between renew and roll (`include_next`), and their end. */
int copy_put_next(struct copy *copy, struct err *err);
int copy_drop_next(struct copy *copy, struct err *err);

/* Does exactly this lie there: content, owner, modes, nothing else?  -1 when one cannot look. */
int copy_is_there(struct copy *copy, bool *out, struct err *err);

/* DIR/GROUP/SERVICE/curr, for %{dir}; the caller frees it. */
char *copy_path(const struct copy *copy);

#endif
