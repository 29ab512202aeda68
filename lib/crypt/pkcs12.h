/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_PKCS12_H
#define CERTD_LIB_CRYPT_PKCS12_H

struct chain;
struct err;
struct key;
struct secret;

/*
 * A PKCS#12 file (RFC 7292) holds a key and its chain, leaf first, under a password, with
 * AES-256-CBC and PBKDF2, which every reader of the last ten years supports.
 */

/* Appends the DER to `out`.  `password` is UTF-8; `name` is shown by importers. */
int pkcs12_write(const struct key *key, const struct chain *chain, const char *name,
	const char *password, struct secret *out, struct err *err);

#endif
