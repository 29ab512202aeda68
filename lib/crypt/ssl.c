/* SPDX-License-Identifier: MIT */
#include "lib/crypt/ssl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/crypt/secret.h"

void ssl_begin(void)
{
	ERR_clear_error();
}

int ssl_fail(struct err *err, enum err_code code, const char *fmt, ...)
{
	unsigned long why = ERR_peek_last_error();
	const char *reason = why ? ERR_reason_error_string(why) : NULL;
	char text[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(err, code, "%s%s%s", text, reason ? ": " : "", reason ? reason : "");
	ERR_clear_error();
	return -1;
}

void ssl_take_bio(BIO *bio, struct buf *out)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	if (len > 0)
		buf_add(out, data, (size_t)len);
}

void ssl_take_secret(BIO *bio, struct secret *out)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	if (len > 0)
		secret_add(out, data, (size_t)len);
}

static BIO *checked(BIO *bio)
{
	if (!bio)
		mem_exhausted();
	return bio;
}

BIO *ssl_source(const void *data, size_t len)
{
	if (len > INT_MAX)
		mem_exhausted();
	return checked(BIO_new_mem_buf(len ? data : "", (int)len));
}

BIO *ssl_sink(void)
{
	return checked(BIO_new(BIO_s_mem()));
}

BIO *ssl_secret_sink(void)
{
	return checked(BIO_new(BIO_s_secmem()));
}

int ssl_signing_digest(EVP_PKEY *pkey, const char *name, EVP_MD **out, struct err *err)
{
	char wanted[64];

	/* 2: the key type allows no other digest; "UNDEF": it takes none (EdDSA, ML-DSA). */
	if (EVP_PKEY_get_default_digest_name(pkey, wanted, sizeof(wanted)) == 2) {
		if (strcmp(wanted, "UNDEF") == 0 || wanted[0] == 0) {
			*out = NULL;
			return 0;
		}
		name = wanted;
	}
	ssl_begin();
	*out = EVP_MD_fetch(NULL, name, NULL);
	if (!*out)
		return ssl_fail(
			err, ERR_BAD_VALUE, "digest %s is not known to this OpenSSL", name);
	return 0;
}

void ssl_bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

void ssl_ctx_freep(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

void ssl_md_freep(EVP_MD **md)
{
	EVP_MD_free(*md);
}

void ssl_name_freep(X509_NAME **name)
{
	X509_NAME_free(*name);
}

void ssl_extensions_freep(STACK_OF(X509_EXTENSION) **extensions)
{
	sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}
