/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CA_LOCALCA_H
#define CERTD_DAEMON_KEEPER_CA_LOCALCA_H

#include <stdint.h>

#include "lib/base/instant.h"
#include "proto/facts.h"

struct cert_conf;
struct conf;
struct err;
struct key;
struct secret;
struct version_files;

/*
 * The local CA makes the files of a new version from a certificate's configuration, its key and
 * the issuer's material.
 *
 * It reads no clock and touches no file: the store hands the issuer's files in and takes the
 * new ones out (daemon/keeper/store/version.h).  Every result is checked before it leaves: the
 * chain verifies link by link at `now`, the leaf carries the key and exactly the configured
 * names.  An issuer that is absent, over, not a CA, or whose path length is used up gives
 * ERR_NO_ISSUER.
 *
 * chain.pem is the issuer up to and including the root; for a self-signed certificate it is the
 * certificate itself, and fullchain.pem then holds it once.
 */

/* notBefore lies this much before `now`, for clients whose clocks are late. */
#define LOCALCA_BACKDATE MINUTES(5)

/* The digest of self-signed certificates for which no CA of the configuration names one. */
#define LOCALCA_DIGEST "sha384"

struct localca_issuer {
	const char *cert;  /* cert.pem; NULL: no current version */
	const char *chain; /* its chain.pem */
	const struct secret *privkey;
};

/*
 * An issuer that was read: its key beside its chain.  Reading costs about as much as signing,
 * so who issues often keeps it, with the version that it was read from.  Whether it may sign
 * now is asked for each certificate.  It also remembers that a chain through it was verified up
 * to the root, so that the links above it are not verified again for each leaf.
 */
struct localca_signer;

/* `name` is for sentences.  Failures are ERR_NO_ISSUER. */
int localca_signer_read(const struct localca_issuer *files, const char *name,
	struct localca_signer **out, struct err *err);
void localca_signer_free(struct localca_signer *signer); /* NULL is fine */

struct localca_order {
	const struct cert_conf *cert;
	const struct conf *conf;
	uint32_t ca;                   /* index in conf->cas, or CA_SELF */
	struct localca_signer *signer; /* NULL: none; not used for CA_SELF */
	const struct key *key;         /* the certificate's own */
	struct instant key_created;
	uint32_t generation;
	struct instant now;
};

/*
 * Fills *out, which is empty before, and *facts (all but the id).  Both are untouched on failure.
 * Fast but for the signature of a large RSA key.
 */
int localca_issue(const struct localca_order *order, struct version_files *out,
	struct version_facts *facts, struct err *err);

#endif
