/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_STORE_STORE_PRIVATE_H
#define CERTD_DAEMON_KEEPER_STORE_STORE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/file.h"
#include "lib/log/log.h"
#include "proto/facts.h"

struct buf;
struct err;
struct secret;

/*
 * The inside of the store is what its files share; no other file includes this.
 *
 *   store.c          opening, the lock, paths, temporaries, quarantine
 *   store_ids.c      the names of versions, none of which is given twice
 *   store_version.c  one version directory: load, judge, list
 *   store_read.c     what is read of versions and links
 *   store_add.c      what makes and deletes versions: add, prune
 *   store_links.c    curr, next, prev: roll, drop, and their repair
 *   store_facts.c    the facts file, and the facts of one certificate put together
 *   store_file.c     small files that belong to no version
 *   store_index.c    the cache of all facts
 *   store_proof.c    which versions were compared with their keys already
 *   store_align.c    the tree against a configuration: archive, restore, older names
 *
 * Every temporary of a certificate is made in its own directory, never below it, so that the
 * leftovers of a crash change that directory's ctime: the index then disagrees, the certificate
 * is read afresh, and the reading sweeps.  No sweep over all certificates is ever needed.
 */

/* A file as it was when it was looked at. */
struct stamp {
	uint64_t inode;
	int64_t changed, ns, size;
};

/* Which key, certificate and info file were compared. */
enum { PROOF_FILES = 3, PROOFS = 256 };

struct proof {
	struct stamp files[PROOF_FILES];
};

struct store {
	char *path; /* of state_dir, for sentences */
	int root, certs, facts, lock;
	uid_t uid;
	bool is_dirty;               /* the index does not have all that changed */
	struct proof proofs[PROOFS]; /* of versions, by the inode of their info file */
};

/* The directory of one certificate while something works on it. */
struct cert_dir {
	struct store *store;
	const char *cert; /* "GROUP/SERVICE", borrowed */
	char group[256];
	const char *service; /* in `cert` */
	int fd;              /* certs/GROUP/SERVICE, -1: there is none */
	struct log_field log;
};

/* Fails when the name is not safe or the directory is foreign; there being none is success. */
int cert_dir_open(struct store *store, const char *cert, bool make, struct cert_dir *out,
	struct err *err);
void cert_dir_done(struct cert_dir *dir);
#define AUTO_CERT_DIR CLEANUP(cert_dir_done)

/* Splits and checks a certificate's name; `service` points into `cert`. */
int cert_name_split(const char *cert, char group[256], const char **service, struct err *err);

/* Fails with "PATH belongs to user N" when what `fd` is open on is not the daemon's. */
int store_check_owner(const struct store *store, int fd, const char *what, struct err *err);

/*
 * Opens below `parent`, making it 0700 and durable when there is none.  A descriptor, or -1.
 */
int store_make_dir(int parent, const char *name, struct err *err);

/* Writes `name` in `dir` atomically through a temporary in `temp_dir`, and syncs. */
int store_replace(int temp_dir, int dir, const char *name, const struct buf *data,
	struct file_mode mode, struct err *err);

/* A fresh name for a temporary. */
#define TEMP_NAME_LEN 32
void store_temp_name(char out[TEMP_NAME_LEN]);

/* Removes the temporaries in a directory. */
void store_sweep(int fd);

/* Moves `name` in `from` away, durably, and says so with the error that is the reason. */
int store_quarantine(const struct cert_dir *dir, int from, const char *name, const char *label,
	const struct err *why, struct err *err);

/* Calls for each entry but "." and ".."; stops at the first result that is not 0. */
int store_each_entry(int dirfd, const char *path, int (*each)(const char *name, void *data),
	void *data, struct err *err);

/* store_ids.c */

/*
 * The newest id that was ever used, but for `but`.  Facts, targets and marks of root name
 * versions by it, so none is given twice, whatever was deleted and however the clock was set.
 */
struct version_id version_newest(const struct cert_dir *dir, const struct version_id *but);

/* Before a version is taken away: its id is never used again. */
int version_leaves(const struct cert_dir *dir, const struct version_id *id, struct err *err);

/* store_version.c */

enum verdict {
	VERSION_WHOLE,
	VERSION_MISSING,
	VERSION_DAMAGED,  /* err says what; for quarantine */
	VERSION_UNUSABLE, /* foreign or unreadable: nothing is to be moved; err says why */
};

/*
 * How closely a version is looked at.  Comparing key and certificate costs more than all the rest
 * together.
 */
enum depth {
	DEPTH_FACTS,   /* the content of the info file */
	DEPTH_PROVEN,  /* and key, certificate and info were compared since they changed last */
	DEPTH_COMPARE, /* and they are compared now */
};

/* The files of a version, all of which it must have. */
struct version_file_kind {
	const char *name;
	bool is_secret;
	size_t at; /* its offset in struct version_files */
};
extern const struct version_file_kind version_file_kinds[];
extern const size_t n_version_file_kinds;

/* "versions/ID" */
#define VERSION_PATH_LEN (VERSION_ID_TEXT_LEN + 10)
const char *version_path(const struct version_id *id, char out[VERSION_PATH_LEN]);

/*
 * Judges a version and reads its facts.  A lost info file is rebuilt and loose modes are tightened.
 */
enum verdict version_load(const struct cert_dir *dir, const struct version_id *id,
	enum depth depth, struct version_facts *out, struct err *err);

/* Takes a damaged version out of the way. */
int version_quarantine(const struct cert_dir *dir, const struct version_id *id,
	const struct err *why, struct err *err);

/* Notes a moment in the info file: `rolled`, when the version became current, or `revoked`. */
int version_set_time(const struct cert_dir *dir, const struct version_id *id, const char *key,
	struct instant t, struct err *err);

/* All versions that are whole, newest first; damaged and foreign ones are left out.  Free *out. */
int version_list(
	const struct cert_dir *dir, struct version_facts **out, size_t *n, struct err *err);

/* store_proof.c */

/*
 * Do key, certificate and info file belong together, and is the certificate the very one of the
 * info file?  False proves nothing: they may be in a form that only a full reading understands.
 */
bool proof_compare(const struct buf *cert, const struct secret *privkey, const char *info,
	const struct version_facts *said);

/* Takes the present state of the files in the version's directory; false when one is missing. */
bool proof_take(int fd, struct proof *out);

/* They were compared, as they were when the proof was taken: before they were read. */
void proof_keep(struct store *store, const struct proof *proof);
bool proof_holds(struct store *store, const struct proof *proof);

/* store_links.c */

enum role { ROLE_CURR, ROLE_NEXT, ROLE_PREV, ROLE_COUNT };
const char *link_role_text(enum role role);

/*
 * Reads the three links into `facts`, completes a roll that was cut short and repairs what is
 * broken.  *completed (may be NULL) tells whether a roll was completed.
 */
int links_settle(const struct cert_dir *dir, enum depth depth, struct cert_facts *facts,
	bool *completed, struct err *err);

/* The version a link names; id.made INSTANT_NONE when it is absent or no link to a version. */
int link_target(
	const struct cert_dir *dir, enum role role, struct version_id *out, struct err *err);
int link_set(const struct cert_dir *dir, enum role role, const struct version_id *id,
	struct err *err);
int link_drop(const struct cert_dir *dir, enum role role, struct err *err);

/* store_facts.c */

/* As store_read(). */
int facts_gather(struct store *store, const char *cert, enum depth depth,
	struct cert_facts *out, struct err *err);

/* The facts file while its certificate is archived, in the certificate's directory. */
#define PARKED_FACTS "facts"

/* Moves the facts file into the certificate's directory, or back out of it. */
int facts_park(const struct cert_dir *dir, struct err *err);
int facts_unpark(const struct cert_dir *dir, struct err *err);

#endif
