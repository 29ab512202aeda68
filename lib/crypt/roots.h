/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_ROOTS_H
#define CERTD_LIB_CRYPT_ROOTS_H

#include "lib/base/instant.h"

struct chain;
struct err;

/*
 * Roots: the certificates that chains are held against, as the PEM text of a file like
 * /etc/ssl/certs/ca-certificates.crt.  It may be long, so only those of its certificates are decoded
 * that could end the chain in question.  The last text and its subjects' hashes stay for the next call;
 * so this is for one thread.
 *
 * chain_verify() (chain.h) says whether a chain is sound in itself, in the order in which it will be
 * served; roots_verify() whether it leads to somebody.  It says nothing about the order.
 */

/*
 * Does a path of the chain's certificates, leaf first, lead at an instant to a self-signed certificate
 * of `pem`?  One that is no root, such as an intermediate, ends no path.  ERR_BAD_CHAIN when none does.
 */
int roots_verify(
	const char *pem, const struct chain *chain, struct instant at, struct err *err);

#endif
