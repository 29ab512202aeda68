/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_CSR_H
#define CERTD_LIB_CRYPT_CSR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/crypt/dn.h"

struct buf;
struct err;
struct key;

/*
 * A certificate signing request, PKCS#10 (RFC 2986), is made for a key and a wish, and read to
 * be shown or signed.
 */

struct csr;

#define CSR_PEM_MAX ((size_t)64 * 1024)

/*
 * Appends a PEM request, signed with `digest` (ignored for keys that have their own). It
 * requests the wish's extensions: subjectAltName, keyUsage, extendedKeyUsage, and for a CA
 * basicConstraints.
 */
int csr_make(const struct cert_wish *wish, const struct key *key, const char *digest,
	struct buf *out, struct err *err);

/* Appends the same as DER. */
int csr_make_der(const struct cert_wish *wish, const struct key *key, const char *digest,
	struct buf *out, struct err *err);

/* Reads one PEM or DER request and checks its own signature. */
int csr_read(const void *data, size_t len, struct csr **out, struct err *err);

/* Is the request for this key? */
bool csr_has_key(const struct csr *csr, const struct key *key);

/* The requested names, in the form of cert_name(). */
size_t csr_n_names(const struct csr *csr);
const char *csr_name(const struct csr *csr, size_t i);

/* The public half of its key, for the issuer; it cannot sign. */
struct key *csr_key(const struct csr *csr);

void csr_free(struct csr *csr);
void csr_freep(struct csr **csr);
#define AUTO_CSR CLEANUP(csr_freep)

#endif
