/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_STORE_VERSION_H
#define CERTD_DAEMON_KEEPER_STORE_VERSION_H

#include "lib/base/buf.h"
#include "lib/crypt/secret.h"

struct chain;
struct version_facts;

/*
 * The files of one version, in memory, between the local CA (or an ACME answer) that makes them and
 * the store that writes them.  Contract, section 2.  The owner calls version_files_done().
 */

struct version_files {
	struct secret privkey; /* PKCS#8 PEM */
	struct secret bundle;  /* privkey + fullchain, Postfix order */
	struct buf csr, cert, chain, fullchain, tlsa, info;
};

/*
 * Fills everything but privkey and csr, which are there already: chain.pem begins at place
 * `from` of the chain.  `name` is the certificate's, `ca` that of its CA.
 */
void version_files_fill(struct version_files *files, const char *name,
	const struct chain *chain, size_t from, const char *ca,
	const struct version_facts *facts);

void version_files_done(struct version_files *files);

#endif
