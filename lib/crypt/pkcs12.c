/* SPDX-License-Identifier: MIT */
#include "lib/crypt/pkcs12.h"

#include <openssl/pkcs12.h>

#include "lib/base/mem.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/ssl.h"

/* Slows guessing, and does not delay the start of a server noticeably. */
#define ITERATIONS 10000

int pkcs12_write(const struct key *key, const struct chain *chain, const char *name,
	const char *password, struct secret *out, struct err *err)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	BIO *bio AUTO_BIO = ssl_secret_sink();
	PKCS12 *p12;
	int ok;

	if (!others)
		mem_exhausted();
	for (size_t i = 1; i < chain->n; i++)
		if (!sk_X509_push(others, chain->at[i]->x509))
			mem_exhausted();
	ssl_begin();
	p12 = PKCS12_create(password, name, key->pkey, chain->n ? chain->at[0]->x509 : NULL,
		others, NID_aes_256_cbc, NID_aes_256_cbc, ITERATIONS, ITERATIONS, 0);
	sk_X509_free(others);
	ok = p12 && i2d_PKCS12_bio(bio, p12) == 1;
	PKCS12_free(p12);
	if (!ok)
		return ssl_fail(err, ERR_CRYPTO, "cannot make the PKCS#12 file");
	ssl_take_secret(bio, out);
	return 0;
}
