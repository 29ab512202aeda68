/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DESCRIBE_H
#define CERTD_LIB_CRYPT_DESCRIBE_H

struct cert;
struct csr;
struct key;

/*
 * What is in a key, request or certificate, told as keys and values in the order in which people
 * want to read them; a view makes lines or JSON of it.  Values come from other people: a view makes
 * control characters harmless.  Of a private key only its type and the digest of its public half
 * are told.
 *
 * Keys: subject issuer names not_before not_after key signature ca path_length serial sha256
 * spki_sha256.  Absent ones are not told; several names are separated by blanks, times are RFC 3339.
 */

typedef void describe_tell(void *data, const char *key, const char *value);

void cert_describe(const struct cert *cert, describe_tell *tell, void *data);
void csr_describe(const struct csr *csr, describe_tell *tell, void *data);
void key_describe(const struct key *key, describe_tell *tell, void *data);

#endif
