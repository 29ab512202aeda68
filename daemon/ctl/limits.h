/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CTL_LIMITS_H
#define CERTD_DAEMON_CTL_LIMITS_H

struct cert;
struct session;

/*
 * The limits of ACME CAs that an order for a certificate would meet (daemon/acme/ledger.h), for
 * `show` and `why`.  Told are those of which something is used, a bounded number of them; a CA
 * whose ledger was not needed yet since the start has nothing to tell.
 */

/* A row of kind `limit` each. */
void limits_add_rows(struct session *session, const struct cert *cert);

/* A sentence each. */
void limits_add_sentences(struct session *session, const struct cert *cert);

#endif
