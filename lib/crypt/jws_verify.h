/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_JWS_VERIFY_H
#define CERTD_LIB_CRYPT_JWS_VERIFY_H

#include <stddef.h>

struct err;
struct key;

/*
 * JSON Web Signatures from the other side: what a server does with those of jws.h.
 *
 * The CA of the simulations is one, and so no request passes a test that a real CA would refuse for its
 * signature.  The daemon links nothing of this.  As in jws.h nobody reads JSON here: the caller hands over
 * the members of a key as they stand in its JSON, NULL where there is none.
 */

struct jws_members {
	const char *kty, *crv, *x, *y, *n, *e;
};

/* The public key that they are; it must be of a kind that jws_algorithm() knows.  key_free() it. */
int jws_public_key(const struct jws_members *jwk, struct key **out, struct err *err);

/*
 * Is it the key's signature?  `algorithm` is the header's `alg`, the others are the three texts of the
 * flattened JSON, in base64url.  ERR_BAD_VALUE when it is not.
 */
int jws_verify(const struct key *key, const char *algorithm, const char *header,
	const char *payload, const char *signature, struct err *err);

#endif
