/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_CERT_H
#define CERTD_LIB_CRYPT_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/instant.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/dn.h"
#include "lib/crypt/key.h"

struct buf;
struct err;

/*
 * A certificate (RFC 5280) is read with bounds, shown, or issued by the local CA.
 *
 * A struct cert is immutable; returned texts live as long as it does. Its names are the
 * subjectAltName entries as text: DNS names in lower case, IP addresses in canonical form,
 * other kinds with their type in front ("email:x", "uri:x", "other"), and bytes not allowed in
 * a name as "\xNN", so that such a name never equals a configured one.
 *
 * cert_issue() signs as told and clips the end to the issuer's; daemon/keeper/ca/localca.c
 * decides what may be signed.
 */

struct cert;

#define CERT_MAX ((size_t)64 * 1024) /* bytes of one certificate, PEM or DER */
#define CERT_SERIAL_LEN 20           /* bytes, RFC 5280, 4.1.2.2 */

/* Reads exactly one certificate, PEM or DER; text around a PEM block is skipped. */
int cert_read(const void *data, size_t len, struct cert **out, struct err *err);

/* Append the certificate as PEM or DER. */
void cert_write(const struct cert *cert, struct buf *out);
void cert_write_der(const struct cert *cert, struct buf *out);

struct instant cert_not_before(const struct cert *cert);
struct instant cert_not_after(const struct cert *cert);

size_t cert_n_names(const struct cert *cert);
const char *cert_name(const struct cert *cert, size_t i);

/* Does the certificate hold exactly these names, in any order? Addresses may be in any form. */
int cert_has_exactly(
	const struct cert *cert, const char *const *names, size_t n_names, struct err *err);

/* RFC 4514 text, UTF-8; "" for an empty name.  Appended. */
void cert_subject_name(const struct cert *cert, struct buf *out);
void cert_issuer_name(const struct cert *cert, struct buf *out);

/* The common name of the subject or issuer, or "" when there is none; appended. */
void cert_common_name(const struct cert *cert, struct buf *out);
void cert_issuer_common_name(const struct cert *cert, struct buf *out);

/* Lower-case hexadecimal without leading zero bytes; appended. */
void cert_serial(const struct cert *cert, struct buf *out);

void cert_sha256(const struct cert *cert, uint8_t out[SHA256_LEN]);
void cert_spki_sha256(const struct cert *cert, uint8_t out[SHA256_LEN]);

/* Subject and authority key identifiers; appends nothing when absent. */
void cert_ski(const struct cert *cert, struct buf *out);
void cert_aki(const struct cert *cert, struct buf *out);

/*
 * Appends the certificate's identifier for renewal information (RFC 9773, 4.1): authority key
 * identifier and serial number, the latter with the leading zero that its encoding may have. -1
 * without an authority key identifier.
 */
int cert_renewal_id(const struct cert *cert, struct buf *out, struct err *err);

bool cert_is_ca(const struct cert *cert);
int cert_path_length(const struct cert *cert);       /* -1: none */
bool cert_constrains_names(const struct cert *cert); /* RFC 5280, 4.2.1.10 */
bool cert_is_self_signed(const struct cert *cert);
unsigned cert_purposes(const struct cert *cert); /* enum eku, or-ed; 0: no extension */

/* "ec:secp384r1"; and "ecdsa-with-SHA384".  Return out. */
const char *cert_key_type(const struct cert *cert, char out[KEY_TYPE_LEN]);
const char *cert_signature(const struct cert *cert, char out[KEY_TYPE_LEN]);

bool cert_has_key(const struct cert *cert, const struct key *key);

/* Did `issuer` issue `cert`: names, key identifiers, usage and signature? */
int cert_is_issued_by(const struct cert *cert, const struct cert *issuer, struct err *err);

bool cert_equal(const struct cert *a, const struct cert *b);

void cert_free(struct cert *cert);
void cert_freep(struct cert **cert);
#define AUTO_CERT CLEANUP(cert_freep)

/* The arguments of cert_issue(). */
struct cert_issue {
	const struct cert_wish *wish;
	const struct key *key;        /* the subject's */
	const struct cert *issuer;    /* NULL: self-signed */
	const struct key *issuer_key; /* NULL: self-signed */
	/* "sha384"; ignored where the issuer's key type has its own */
	const char *digest;
	struct instant not_before;
	struct instant not_after; /* clipped to the issuer's */
	/*
	 * Do not decode the new certificate's public key, which costs as much as several
	 * signatures of a quick curve. chain_verify() cannot judge such a certificate;
	 * chain_verify_first() can.
	 */
	bool is_for_first;
};

/*
 * Makes and signs a certificate, version 3, with a random positive serial of 159 bits and these
 * extensions: basicConstraints and keyUsage (critical), extendedKeyUsage, subjectAltName (critical
 * when the subject is empty), subjectKeyIdentifier (RFC 5280, 4.2.1.2, method 1) and
 * authorityKeyIdentifier, which is the issuer's subjectKeyIdentifier.
 */
int cert_issue(const struct cert_issue *order, struct cert **out, struct err *err);

#endif
