/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_SECRET_H
#define CERTD_LIB_CRYPT_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct err;

/*
 * Bytes that nobody else may see: private keys, bundles, passwords.
 *
 * They lie in pages of their own that are locked in memory where the system allows it, are left
 * out of core dumps, and are cleared before they go back.  No function formats a struct secret, so
 * it cannot reach a log by accident; the bytes leave through `data` and `len` only, into a file
 * writer or libcrypto.  A zeroed struct is an empty secret.  The owner calls secret_done(), or
 * declares it AUTO_SECRET.
 *
 * `data` is always NUL-terminated behind `len` (NULL while empty), so PEM can be read in place.
 */

struct secret {
	char *data;
	size_t len;
	size_t size; /* of the mapping */
};

#define SECRET_INIT                                                                            \
	{                                                                                      \
		NULL, 0, 0                                                                     \
	}
#define AUTO_SECRET CLEANUP(secret_done)

/* Clears the bytes and gives the memory back; zeroed is fine. */
void secret_done(struct secret *secret);

/* Appends.  The source stays the caller's to clear. */
void secret_add(struct secret *secret, const void *data, size_t len);

/* Replaces *to by *from, which is empty afterwards. */
void secret_move(struct secret *to, struct secret *from);

/* Reads a regular file of at most `limit` bytes, without following a link at its end. */
int secret_read(int dirfd, const char *path, size_t limit, struct secret *out, struct err *err);

/* Reads what is left of an open file or pipe, at most `limit` bytes. */
int secret_read_fd(int fd, size_t limit, struct secret *out, struct err *err);

/* Do both hold the same bytes?  Takes the same time wherever they differ. */
bool secret_equal(const struct secret *a, const struct secret *b);

#endif
