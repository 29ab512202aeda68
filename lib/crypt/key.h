/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_KEY_H
#define CERTD_LIB_CRYPT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/crypt/digest.h"

struct err;
struct secret;

/*
 * A private key is made by a specification, and written and read as PKCS#8 PEM.
 *
 * A specification is a value of the configuration: "ec:CURVE" (any curve of the installed
 * OpenSSL of at least 224 bits; P-256, prime256v1 and secp256r1 are the same one), "rsa:BITS"
 * (2048 to 16384, a multiple of 8), "ed25519", "ed448", or the name of another key type that
 * OpenSSL can make and sign with. key_type_text() writes the specification of a key in its
 * canonical form: "ec:secp384r1", "rsa:2048", "ed25519".
 *
 * A struct key belongs to one thread at a time; several threads may make keys.
 */

struct key;

#define KEY_TYPE_LEN 64
#define KEY_PEM_MAX ((size_t)64 * 1024)
#define KEY_RSA_MIN 2048
#define KEY_RSA_MAX 16384
#define KEY_EC_MIN 224 /* bits: 112 of security, SP 800-57 */

/* Can key_make() make this type? Fast; for the configuration. */
int key_spec_check(const char *spec, struct err *err);

/* Can making it take longer than a few milliseconds? Such keys are made in a thread. */
bool key_is_slow(const char *spec);

/* Do the specifications mean the same key type ("ec:P-256", "ec:prime256v1")? */
bool key_spec_equal(const char *a, const char *b);

int key_make(const char *spec, struct key **out, struct err *err);

/*
 * Reads the first private key of a PEM text of at most KEY_PEM_MAX bytes: PKCS#8, or the older
 * forms of RSA and EC.  Encrypted keys are refused.
 */
int key_read(const void *pem, size_t len, struct key **out, struct err *err);

/* Appends the key as unencrypted PKCS#8 PEM. */
int key_write(const struct key *key, struct secret *out, struct err *err);

/* Refuses RSA below 2048 bits, curves below 224 bits, and keys that cannot sign. */
int key_check_strength(const struct key *key, struct err *err);

/* SHA-256 of the DER SubjectPublicKeyInfo. */
void key_spki_sha256(const struct key *key, uint8_t out[SHA256_LEN]);

/* The canonical specification.  Returns out. */
const char *key_type_text(const struct key *key, char out[KEY_TYPE_LEN]);

/* A reference to the same key for a second owner in the same thread; freed separately. */
struct key *key_share(const struct key *key);

void key_free(struct key *key);   /* NULL is fine */
void key_freep(struct key **key); /* for CLEANUP */
#define AUTO_KEY CLEANUP(key_freep)

#endif
