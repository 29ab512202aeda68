/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_STORE_STORE_FILE_H
#define CERTD_DAEMON_KEEPER_STORE_STORE_FILE_H

#include <stddef.h>

#include "lib/base/instant.h"

struct err;
struct secret;
struct store;

/*
 * Small files of the store that belong to no version:
 *
 *   accounts/CA/{key.pem,candidate.pem,account,ledger}   what we are to an ACME CA
 *   certs/GROUP/SERVICE/keys/pending-DIGEST.pem          keys whose certificate is on its way
 *   test/...                                             the same of the staging directories, and
 *                                                        test/certs/GROUP/SERVICE/{cert.pem,...}
 *
 * Paths are relative to the state directory; each component must be a safe file name.
 * Directories are made 0700 and files 0600, and both must be the daemon's own.  A file is
 * written under a temporary name, synced and renamed, so that a crash leaves the old one or the
 * new one; what is gone after store_file_remove() is so after a crash.
 *
 * A seam, like store.h: on disk in store_file.c, in memory in tests/sim/store_memory.c.
 */

#define STORE_PATH_MAX 1024

/* Replaces the whole file. */
int store_file_write(
	struct store *store, const char *path, const void *data, size_t len, struct err *err);

/* Appends to *out; ERR_NOT_FOUND when there is none, ERR_TOO_LARGE beyond `limit`. */
int store_file_read(struct store *store, const char *path, size_t limit, struct secret *out,
	struct err *err);

/*
 * Adds to the end and syncs; ERR_TOO_LARGE, and nothing is added, when there would be more than
 * `limit`. A crash may leave a part of what was added last.
 */
int store_file_append(struct store *store, const char *path, const void *data, size_t len,
	size_t limit, struct err *err);

/* Not being there is success. */
int store_file_remove(struct store *store, const char *path, struct err *err);

/* Tells the names of the files in a directory; none when there is no such directory. */
int store_file_list(struct store *store, const char *dir,
	void (*tell)(const char *name, struct instant changed, void *data), void *data,
	struct err *err);

#endif
