/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CA_PENDING_H
#define CERTD_DAEMON_KEEPER_CA_PENDING_H

#include <stdbool.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/instant.h"

struct err;
struct key;
struct store;

/*
 * A pending key waits for its certificate: keys/pending-DIGEST.pem beside the versions of a
 * certificate, where DIGEST is the beginning of SHA-256 of the order's URL.  The file holds
 * "key: value" lines (order, ca, key_created), the private key and the signing request.
 *
 * It is stored before the request leaves, so any certificate that the CA makes has its key
 * here: the same order is answered with the same key and request after any crash.  It goes when
 * the version is stored, when its order is forgotten, or when it was not asked for in
 * PENDING_DAYS, far longer than any order lives.
 */

#define PENDING_DAYS 30

/* Whose: a certificate, in the test tree or not, and an order.  It owns nothing. */
struct pending_name {
	const char *cert;
	bool is_test;
	const char *order; /* its URL */
};

struct pending {
	struct key *key;
	struct buf csr;     /* PEM */
	struct buf csr_der; /* the same */
	struct instant key_created;
};

#define AUTO_PENDING CLEANUP(pending_done)

/* ERR_NOT_FOUND when there is none. */
int pending_read(struct store *store, const struct pending_name *name, struct pending *out,
	struct err *err);
void pending_done(struct pending *pending); /* zeroed is fine */

/* Stores the key, its request and who they are for; *out is then what pending_read() would give. */
int pending_write(struct store *store, const struct pending_name *name, const char *ca,
	const struct key *key, struct instant key_created, const struct buf *csr,
	struct pending *out, struct err *err);

/* Not being there is success. */
int pending_remove(struct store *store, const struct pending_name *name, struct err *err);

/* Removes what is at least this old, of any order but this one (NULL: of any). */
void pending_sweep(struct store *store, const struct pending_name *name, struct duration age);

#endif
