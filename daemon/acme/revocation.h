/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_REVOCATION_H
#define CERTD_DAEMON_ACME_REVOCATION_H

#include "daemon/acme/account.h"
#include "daemon/acme/post.h"

/*
 * A revocation tells a CA to revoke one version (RFC 8555, 7.6).
 *
 *	r->revocation.reason = REASON_SUPERSEDED; ...
 *	AWAIT(revocation_start(&r->revocation, ca, task));
 *
 * The keeper composes the request and decides whether it may be made.  The account signs first;
 * where the CA does not accept that, because another account ordered the certificate, the
 * certificate's own key does.  A version that was revoked already is a success, so a reply that
 * was lost is asked for again.
 */

struct revocation {
	struct task task;
	struct acme_ca *ca;
	const char *cert, *version; /* borrowed */
	int reason;                 /* enum reason */
	bool is_now;                /* with root's mark, though it be the current one */
	struct account_op account;
	struct post post;
};

/* A child task whose error is the parent's. */
void revocation_start(struct revocation *revocation, struct acme_ca *ca, struct task *parent);
void revocation_done(struct revocation *revocation); /* zeroed is fine */

#endif
