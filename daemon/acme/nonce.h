/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_NONCE_H
#define CERTD_DAEMON_ACME_NONCE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/instant.h"

struct err;

/*
 * A nonce (RFC 8555, 6.5) comes with every answer of a CA, and every request takes one.
 *
 * Newest first, because a CA forgets the old ones.  All are dropped when none was added or
 * taken for ten minutes.  A nonce is never handed out twice, even when the CA repeats itself:
 * the last ones are remembered.  Texts that are no nonce (6.5.1: base64url) or too long are not
 * taken up.
 */

enum { NONCES_MAX = 128, NONCE_LEN = 256, NONCES_USED = 256 };

struct nonces {
	char *fresh[NONCES_MAX]; /* oldest first */
	size_t n;
	uint64_t used[NONCES_USED]; /* hashes of those handed out last, a ring */
	size_t used_at;
	struct tick touched;
};

void nonces_add(struct nonces *nonces, const char *nonce, struct tick now);

/* The newest, which the caller frees; NULL when there is none. */
char *nonces_take(struct nonces *nonces, struct tick now);

/* Fills *err: why what an answer brought (NULL: nothing) is no nonce to go on with.  Returns -1. */
int nonce_missing(const char *nonce, struct err *err);

void nonces_done(struct nonces *nonces); /* zeroed is fine */

#endif
