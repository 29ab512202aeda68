/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_SECRET_H
#define CERTD_LIB_CRYPT_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct err;

/*
 * A secret holds bytes that must not leak: private keys, bundles, passwords.
 *
 * They are in pages of their own that are locked in memory where the system allows it, excluded
 * from core dumps, and cleared before they are freed. No function formats a struct secret, so
 * it cannot reach a log; the bytes leave only through `data` and `len`, into a file writer or
 * libcrypto. A zeroed struct is an empty secret. The owner calls secret_done(), or declares it
 * AUTO_SECRET.
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

/* Clears the bytes and frees the memory; zeroed is fine. */
void secret_done(struct secret *secret);

/* Appends the bytes. The caller clears the source. */
void secret_add(struct secret *secret, const void *data, size_t len);

/* Replaces *to by *from, which is empty afterwards. */
void secret_move(struct secret *to, struct secret *from);

/* Reads a regular file of at most `limit` bytes, without following a link at its end. */
int secret_read(int dirfd, const char *path, size_t limit, struct secret *out, struct err *err);

/* Reads the rest of an open file or pipe, at most `limit` bytes. */
int secret_read_fd(int fd, size_t limit, struct secret *out, struct err *err);

/* Do both hold the same bytes? Compares in constant time. */
bool secret_equal(const struct secret *a, const struct secret *b);

#endif
