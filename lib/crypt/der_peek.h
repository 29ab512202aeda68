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
 * A DER peek reads single fields of a certificate, key or request that certd wrote, without
 * making an object of it.
 *
 * d2i_X509() searches a decoder for the public key on each call, which costs more than a
 * signature of a quick curve. A check whether bytes are unchanged, and which key they carry,
 * needs neither object nor key. Extensions and signature are skipped, so the result proves
 * nothing about a certificate with an unknown digest; that takes cert_read().
 */

struct cert_peek {
	uint8_t sha256[SHA256_LEN]; /* of the whole certificate, as cert_sha256() */
	uint8_t spki[SHA256_LEN];   /* as cert_spki_sha256() */
	struct instant not_after;
};

/* Reads a text of exactly one PEM certificate; false for any other input. */
bool der_peek_cert(const void *pem, size_t len, struct cert_peek *out);

/* The subject in a certificate's DER, as DER; false when there is none. */
bool der_peek_subject(
	const void *der, size_t len, const unsigned char **ret_at, size_t *ret_len);

/*
 * The digest of the public key, as key_spki_sha256(), in an elliptic curve's private key
 * written by key_write(), which holds both halves. False for any other input, which key_read()
 * may accept. Like key_read() it does not compute one half from the other.
 */
bool der_peek_key(const void *pem, size_t len, uint8_t ret_spki[SHA256_LEN]);

/*
 * The public key of a signing request, as key_spki_sha256(), and its DER, appended. False for
 * any input but exactly one PEM request; names and signature are not read.
 */
bool der_peek_csr(
	const void *pem, size_t len, uint8_t ret_spki[SHA256_LEN], struct buf *ret_der);

#endif
