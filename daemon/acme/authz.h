/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_AUTHZ_H
#define CERTD_DAEMON_ACME_AUTHZ_H

#include <stdbool.h>

#include "daemon/acme/order.h"
#include "daemon/dns/resolve/trace.h"
#include "daemon/dns/watch/propagation.h"
#include "lib/wire/name.h"

/*
 * An authorization (RFC 8555, 7.5 and 8) is worked on in three child tasks of its order, side
 * by side with those of the other names:
 *
 *   authz_prepare    look at it, pick the challenge that the CA is configured for, have the
 *                    keeper publish what the CA will look for, and answer it in this process
 *                    where that is our part (a record in DNS is then waited for by the order:
 *                    record.h)
 *   authz_validate   tell the CA and look until it has decided; told again a few times where it
 *                    leaves the challenge pending with an error
 *   authz_close      withdraw what was presented, some seconds later while the CA looks at it,
 *                    because a record that vanishes meanwhile counts as a failure of the name;
 *                    with an order that is dead, give up what is still pending, so that the CA
 *                    does not hand it out again half-used
 *
 * All names are prepared before the first is validated, because two of them may stand in one
 * set of records (the apex and its wildcard).  The name follows from type, value and wildcard
 * mark of the authorization, never from its place.  The keeper notes what is presented before
 * it is made; closing is idempotent, never fails the order and has a time of its own.
 */

struct authz {
	struct task task;
	struct order *order;
	const char *url; /* the order's */
	struct post post;
	struct keeper_op keeper;
	struct sleep_op pause;
	struct authz_object object;
	char name[NAME_MAX_LEN]; /* as configured, "*." included; "" before the first look */
	char *challenge_url, *token, *id; /* id: the keeper's, while something is presented */
	char *value, *zone;               /* of a record in DNS, as the keeper presented it */
	struct instant asked;             /* when the keeper was asked to publish */
	struct trace trace;               /* where that record stands */
	struct propagation propagation;
	struct propagation *aliases; /* the same of those that lead there */
	size_t n_aliases;
	const char **issuers; /* of dns-persist-01, until the next look */
	size_t n_issuers;
	struct tick grace; /* until then the CA may look at what is to be withdrawn */
	unsigned answers, looks, withdrawals;
	bool is_answered, is_added; /* added: to the responder */
};

void authz_init(struct authz *authz, struct order *order, const char *url);
void authz_prepare(struct authz *authz);
void authz_validate(struct authz *authz);
void authz_close(struct authz *authz);
void authz_done(struct authz *authz); /* zeroed is fine */

#endif
