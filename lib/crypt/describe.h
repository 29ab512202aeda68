/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_DESCRIBE_H
#define CERTD_LIB_CRYPT_DESCRIBE_H

struct cert;
struct csr;
struct key;

/*
 * A description lists the fields of a key, request or certificate as keys and values, in the
 * order of display; a view makes lines or JSON of it. Values are foreign: a view escapes
 * control characters. Of a private key only its type and the digest of its public half are
 * listed.
 *
 * Keys: subject issuer names not_before not_after key signature ca path_length serial sha256
 * spki_sha256. Absent ones are left out; several names are separated by blanks, times are RFC
 * 3339.
 */

typedef void describe_tell(void *data, const char *key, const char *value);

void cert_describe(const struct cert *cert, describe_tell *tell, void *data);
void csr_describe(const struct csr *csr, describe_tell *tell, void *data);
void key_describe(const struct key *key, describe_tell *tell, void *data);

#endif
