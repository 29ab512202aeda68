/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_JWS_H
#define CERTD_LIB_CRYPT_JWS_H

#include <stddef.h>

struct buf;
struct err;
struct key;
struct secret;

/*
 * A JSON Web Signature has the form that ACME needs (RFC 8555, 6.2): flattened JSON, base64url
 * without padding, fixed width r||s for ECDSA. Callers compose header and payload; these
 * functions parse no JSON.
 *
 * Keys: EC P-256, P-384, P-521 (ES256, ES384, ES512), RSA (RS256), Ed25519 (EdDSA).
 */

void jws_base64url(struct buf *out, const void *data, size_t len);

/* Reads base64url or base64, padded or not; other input is an error. At most 64 KiB. */
int jws_base64_read(const char *text, size_t len, struct buf *out, struct err *err);

/* "ES256"; NULL for a key type without an ACME algorithm. */
const char *jws_algorithm(const struct key *key);

/*
 * Appends the public key as a JSON Web Key: required members only, in lexical order, no white
 * space.
 */
int jws_jwk(const struct key *key, struct buf *out, struct err *err);

/* Appends the thumbprint (RFC 7638) in base64url. */
int jws_thumbprint(const struct key *key, struct buf *out, struct err *err);

/*
 * Appends {"protected":...,"payload":...,"signature":...}. `header` and `payload` are JSON
 * texts; a NULL payload is the empty one of a POST-as-GET (6.3).
 */
int jws_sign(const struct key *key, const char *header, const char *payload, struct buf *out,
	struct err *err);

/* The algorithms of jws_mac() by RFC 7518's names: HS256, HS384, HS512, NULL. */
extern const char *const jws_macs[];

/*
 * Appends the same with a MAC (RFC 8555, 7.3.4). ERR_BAD_KEY for an unknown algorithm and for a
 * key shorter than its hash (RFC 7518, 3.2).
 */
int jws_mac(const struct secret *key, const char *algorithm, const char *header,
	const char *payload, struct buf *out, struct err *err);

#endif
