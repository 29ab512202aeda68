/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_CHAIN_H
#define CERTD_LIB_CRYPT_CHAIN_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/instant.h"
#include "lib/crypt/cert.h"

struct buf;
struct err;

/*
 * A chain: certificates in order, each issued by the one behind it.
 *
 * chain_read() takes PEM text from a CA or a file and accepts certificates only: any other block
 * makes it fail (RFC 8555, 11.4 warns of keys hidden there), and count and size are
 * bounded.  What is written again is always encoded anew, so nothing of the text around survives.
 * The chain owns its certificates.
 */

#define CHAIN_MAX 16 /* certificates */
#define CHAIN_PEM_MAX ((size_t)256 * 1024)

struct chain {
	struct cert *at[CHAIN_MAX];
	size_t n;
};

#define CHAIN_INIT                                                                             \
	{                                                                                      \
		.n = 0                                                                         \
	}
#define AUTO_CHAIN CLEANUP(chain_done)

/* Appends the certificates of a PEM text; at least one. */
int chain_read(const void *pem, size_t len, struct chain *out, struct err *err);

/* Appends a certificate that the chain owns from now on; -1 when the chain is full. */
int chain_add(struct chain *chain, struct cert *cert, struct err *err);

/* Appends the certificates from place `from` to the end, as PEM. */
void chain_write(const struct chain *chain, size_t from, struct buf *out);

/*
 * Verifies a chain, leaf first, at an instant: every certificate was issued by the next one, is
 * within its dates, may sign where it signs, keeps path lengths and name constraints, and the last
 * one ends it: it is `anchor`, or was issued by it, or `anchor` is NULL and the last is trusted as
 * it is.  A chain of a single certificate that is not self-signed needs an anchor.
 */
int chain_verify(const struct chain *chain, const struct cert *anchor, struct instant at,
	struct err *err);

/*
 * The same of a chain whose issuers were verified in this order before, below another leaf, and
 * constrain no names: whether the next one issued the first, and the dates of all.
 */
int chain_verify_first(const struct chain *chain, struct instant at, struct err *err);

void chain_done(struct chain *chain); /* zeroed is fine */

#endif
