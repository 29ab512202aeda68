/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_JWS_VERIFY_H
#define CERTD_LIB_CRYPT_JWS_VERIFY_H

#include <stddef.h>

struct err;
struct key;

/*
 * A JWS verifier checks signatures of jws.h as a server does.
 *
 * The CA of the simulations uses it, so that no request passes a test with a signature that a
 * real CA would refuse. The daemon does not link it. It parses no JSON: the caller passes the
 * members of a key as they are in its JSON, NULL where there is none.
 */

struct jws_members {
	const char *kty, *crv, *x, *y, *n, *e;
};

/*
 * Makes the public key; its type must be one of jws_algorithm(). The caller frees it with
 * key_free().
 */
int jws_public_key(const struct jws_members *jwk, struct key **out, struct err *err);

/*
 * Is it the key's signature? `algorithm` is the header's `alg`, the others are the three texts
 * of the flattened JSON, in base64url. ERR_BAD_VALUE when it is not.
 */
int jws_verify(const struct key *key, const char *algorithm, const char *header,
	const char *payload, const char *signature, struct err *err);

#endif
