/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_RESPONDER_H
#define CERTD_DAEMON_ACME_RESPONDER_H

#include "daemon/conf/conf.h"

struct err;
struct loop;

/*
 * The responder is what the engine itself answers when a CA comes to look: http-01 (RFC 8555,
 * 8.3) and tls-alpn-01 (RFC 8737, and RFC 8738 for addresses), at the listeners that the keeper
 * bound and handed over.
 *
 *	keeper: present            -> id, key_authorization
 *	responder_add(r, CHALLENGE_HTTP, name, token, key_authorization, &err)
 *	... the CA looks, perhaps several times and from several places ...
 *	responder_remove(r, CHALLENGE_HTTP, name, token)
 *	keeper: withdraw
 *
 * Other types are ignored, so that an order adds and removes whatever its type is.  A challenge
 * may be added before there is a listener, and where there will never be one because the
 * webroot serves it: the keeper knows whether it can be answered at all, and refuses to present
 * it otherwise.  Two orders may share an authorization: a challenge that was added twice stays
 * until it was removed twice.  Removing one that is not there is fine.  For tls-alpn-01 the
 * youngest challenge of a name is answered.
 *
 * Everything is copied; listeners belong to the responder.  Nothing of a request is ever
 * reflected, and a request for a missing challenge learns only that.
 */

struct responder;

/* Challenges at once; more than any number of orders in flight needs. */
#define RESPONDER_MAX 65536

struct responder *responder_new(struct loop *loop);
void responder_free(struct responder *responder); /* NULL is fine */

/*
 * Serves `type` at the listening socket `fd`, which it owns from now on; `at` is its configured
 * address. Another one at the same address replaces it; fd -1: the listener of this address is
 * no more.
 */
void responder_listen(struct responder *responder, enum challenge type, const char *at, int fd);

/*
 * `name` as it stands in the order, in canonical form: a DNS name or an address.  -1 only where no
 * certificate can be made for it (tls-alpn-01), or with RESPONDER_MAX.
 */
int responder_add(struct responder *responder, enum challenge type, const char *name,
	const char *token, const char *key_authorization, struct err *err);
void responder_remove(
	struct responder *responder, enum challenge type, const char *name, const char *token);

/* The key authorization that is answered now, as simulated CAs ask for it; NULL: none. */
const char *responder_find(const struct responder *responder, enum challenge type,
	const char *name, const char *token);

#endif
