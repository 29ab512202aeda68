/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_ROOTS_H
#define CERTD_LIB_CRYPT_ROOTS_H

#include "lib/base/instant.h"

struct chain;
struct err;

/*
 * A root store is the PEM text of a file like /etc/ssl/certs/ca-certificates.crt, against which
 * chains are verified. It may be long, so only certificates that could end the chain in
 * question are decoded. The last text and its subjects' hashes are kept for the next call; one
 * thread only.
 *
 * chain_verify() (chain.h) checks a chain in the order in which it will be served;
 * roots_verify() checks that it leads to a root, in any order.
 */

/*
 * Does a path of the chain's certificates, leaf first, lead at an instant to a self-signed
 * certificate of `pem`? Other certificates in `pem`, such as intermediates, end no path.
 * ERR_BAD_CHAIN when there is no such path.
 */
int roots_verify(
	const char *pem, const struct chain *chain, struct instant at, struct err *err);

#endif
