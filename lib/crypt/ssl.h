/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_CRYPT_SSL_H
#define CERTD_LIB_CRYPT_SSL_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/instant.h"

/*
 * The OpenSSL helpers of lib/crypt are shared by its files and included nowhere else: the
 * OpenSSL objects inside structs, their cleanup attributes, and the conversion of OpenSSL's
 * error queue to a struct err.
 *
 * The queue belongs to the thread and is never left filled: ssl_begin() empties it before a
 * call whose failure is reported, ssl_fail() takes the reason from it and empties it again.
 */

struct buf;
struct cert;
struct cert_wish;
struct csr;
struct key;
struct secret;

struct key {
	EVP_PKEY *pkey;
};

struct cert {
	X509 *x509;
	EVP_PKEY *pubkey; /* NULL: x509 has it decoded; use ssl_cert_pubkey() */
	char **names;
	size_t n_names;
	struct instant not_before, not_after;
};

struct csr {
	X509_REQ *req;
	char **names;
	size_t n_names;
};

void ssl_begin(void);

/* Sets *err to the text with OpenSSL's reason appended. Returns -1. */
int ssl_fail(struct err *err, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

/* Appends the content of a memory BIO. */
void ssl_take_bio(BIO *bio, struct buf *out);
void ssl_take_secret(BIO *bio, struct secret *out);

/* A BIO that reads bytes in place. */
BIO *ssl_source(const void *data, size_t len);

/* A growing memory BIO; `secret` when it will hold private bytes. */
BIO *ssl_sink(void);
BIO *ssl_secret_sink(void);

/* The digest to sign with: the named one, or NULL for key types that have their own. */
int ssl_signing_digest(EVP_PKEY *pkey, const char *name, EVP_MD **out, struct err *err);

/* The canonical key type of lib/crypt/key.h. */
const char *ssl_key_type(const EVP_PKEY *pkey, char *out, size_t size);
int ssl_key_strength(EVP_PKEY *pkey, struct err *err);

/* The subject in the wish's order; free with X509_NAME_free(). */
int ssl_name_make(const struct cert_wish *wish, X509_NAME **out, struct err *err);

/* RFC 4514 text, appended. */
void ssl_name_text(const X509_NAME *name, struct buf *out);

/* subjectAltName as the texts of lib/crypt/cert.h; freed by ssl_names_free(). */
void ssl_names_take(const GENERAL_NAMES *alt, char ***ret_names, size_t *ret_n);
void ssl_names_free(char **names, size_t n_names);

/*
 * The canonical form of a configured name: an IP address or a lower-case DNS name; to be freed.
 */
char *ssl_name_canonical(const char *name);

/* The extensions that a request and a certificate share (lib/crypt/extension.c). */
int ssl_extensions_make(const struct cert_wish *wish, EVP_PKEY *pkey,
	STACK_OF(X509_EXTENSION) **out, struct err *err);

/*
 * Sets the public key of a certificate or request that has none yet, without the encoder and
 * the decoder that X509_set_pubkey() searches. False for other key types.
 */
bool ssl_spki_put(const EVP_PKEY *pkey, X509_PUBKEY *out);

/* The curve of a key with a named curve and an uncompressed point; NID_undef for all others. */
int ssl_named_curve(const EVP_PKEY *pkey);

/* The PKCS#8 form of such a key; NULL for all others. */
PKCS8_PRIV_KEY_INFO *ssl_pkcs8_make(const EVP_PKEY *pkey);

/* Reads an unencrypted PKCS#8 key that takes all of the bytes; NULL for other input. */
EVP_PKEY *ssl_pkcs8_read(const void *der, size_t len);

int ssl_instant(const ASN1_TIME *time, struct instant *out, struct err *err);

/* The certificate's public key, possibly the object it was made for; NULL: not decoded. */
EVP_PKEY *ssl_cert_pubkey(const struct cert *cert);

/* Wraps a new certificate whose public key OpenSSL has not decoded. Takes x509 over. */
int ssl_cert_of_made(X509 *x509, EVP_PKEY *pubkey, struct cert **out, struct err *err);

/*
 * d2i_X509() with a cache (lib/crypt/known.c): a recently decoded certificate costs only a
 * digest. The result must be freed and never changed; *ret_whole is false when bytes follow it.
 */
X509 *ssl_x509_read(const void *der, size_t len, bool *ret_whole);

/* cert_read() for DER. */
int ssl_cert_of_der(const void *der, size_t len, struct cert **out, struct err *err);

/* The known purposes, as bits of enum eku. */
unsigned ssl_purposes(const EXTENDED_KEY_USAGE *usage);

/* For CLEANUP(). */
void ssl_bio_freep(BIO **bio);
void ssl_ctx_freep(EVP_PKEY_CTX **ctx);
void ssl_md_freep(EVP_MD **md);
void ssl_name_freep(X509_NAME **name);
void ssl_extensions_freep(STACK_OF(X509_EXTENSION) **extensions);
#define AUTO_BIO CLEANUP(ssl_bio_freep)
#define AUTO_CTX CLEANUP(ssl_ctx_freep)
#define AUTO_MD CLEANUP(ssl_md_freep)
#define AUTO_NAME CLEANUP(ssl_name_freep)
#define AUTO_EXTENSIONS CLEANUP(ssl_extensions_freep)

#endif
