/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_SERVE_SIGNING_H
#define CERTD_DAEMON_KEEPER_SERVE_SIGNING_H

#include "daemon/keeper/ca/account.h"
#include "daemon/keeper/ca/pending.h"
#include "daemon/keeper/serve/serve_private.h"

/*
 * A signing is one signature for an ACME CA in the making: signing.c reads the request,
 * composes header and payload and signs; serve_sign.c prepares the key of the certificate
 * first, where one is needed.  Every request is ended by signing_finish() or asked_fail();
 * signing_done() follows.
 */

/* One signature in the making. */
struct signing {
	struct asked *asked;
	struct authority at;
	struct account account;
	struct pending pending;
	enum sign op;
	const char *url, *nonce;
	const struct key
		*key; /* that signs, by its own name: a JWK; NULL: the account's, as kid */
	struct key *cert_key;
	struct buf payload;
	bool is_read; /* no payload */
};

/* Reads the request and the account; on failure *out is still to be given to signing_done(). */
int signing_begin(struct asked *asked, struct signing *out, struct err *err);
void signing_done(struct signing *s); /* zeroed is fine */

/* Is there the account that this operation needs? */
int signing_check_account(const struct signing *s, struct err *err);

/* Composes, signs and ends the request. */
void signing_finish(struct signing *s);

/* Composes a revocation (serve_revoke.c). */
int signing_revoke(struct signing *s, struct err *err);

#endif
