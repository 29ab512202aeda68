/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DER_PEEK_H
#define CERTD_LIB_CRYPT_DER_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/instant.h"
#include "lib/crypt/digest.h"

struct buf;

/*
 * What tells a certificate or request that we wrote from any other, without making an object of it.
 *
 * d2i_X509() looks for a decoder of the public key each time, which costs more than a signature
 * of a quick curve.  Whoever only asks whether these bytes are still the ones he wrote, and which
 * key they carry, needs neither the object nor the key.  Extensions and signature are skipped, so
 * this says nothing about a certificate whose digest is not known; that takes cert_read().
 */

struct cert_peek {
	uint8_t sha256[SHA256_LEN]; /* of all of it, as cert_sha256() */
	uint8_t spki[SHA256_LEN];   /* as cert_spki_sha256() */
	struct instant not_after;
};

/* Reads a text of exactly one PEM certificate; false when it is anything else. */
bool der_peek_cert(const void *pem, size_t len, struct cert_peek *out);

/* The subject inside a certificate's DER, as DER; false for what has none. */
bool der_peek_subject(
	const void *der, size_t len, const unsigned char **ret_at, size_t *ret_len);

/*
 * The digest of the public key, as key_spki_sha256(), of an elliptic curve's private key in the form
 * of key_write(), which holds both.  False for anything else, which key_read() may understand.  Like
 * key_read() it does not compute the one from the other.
 */
bool der_peek_key(const void *pem, size_t len, uint8_t ret_spki[SHA256_LEN]);

/*
 * The public key of a signing request, as key_spki_sha256(), and its DER, appended.  False when it is anything
 * else than exactly one PEM request; names and signature are not looked at.
 */
bool der_peek_csr(
	const void *pem, size_t len, uint8_t ret_spki[SHA256_LEN], struct buf *ret_der);

#endif
