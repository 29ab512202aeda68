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
 * A chain holds certificates in order, each issued by the next one.
 *
 * chain_read() takes PEM text from a CA or a file and accepts certificates only: any other
 * block is an error (RFC 8555, 11.4 warns of keys hidden there), and count and size are
 * bounded. Written text is encoded anew, so that nothing else of the source survives. The chain
 * owns its certificates.
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

/* Appends a certificate, which the chain then owns; -1 when the chain is full. */
int chain_add(struct chain *chain, struct cert *cert, struct err *err);

/* Appends the certificates from index `from` to the end, as PEM. */
void chain_write(const struct chain *chain, size_t from, struct buf *out);

/*
 * Verifies a chain, leaf first, at an instant: every certificate was issued by the next one, is
 * within its dates, may sign where it signs, and keeps path lengths and name constraints. The
 * last one is `anchor`, or was issued by it, or is trusted as it is when `anchor` is NULL. A
 * chain of a single certificate that is not self-signed needs an anchor.
 */
int chain_verify(const struct chain *chain, const struct cert *anchor, struct instant at,
	struct err *err);

/*
 * Verifies the first certificate of a chain whose issuers were verified in this order before,
 * below another leaf, and constrain no names: its issuer, and the dates of all.
 */
int chain_verify_first(const struct chain *chain, struct instant at, struct err *err);

void chain_done(struct chain *chain); /* zeroed is fine */

#endif
