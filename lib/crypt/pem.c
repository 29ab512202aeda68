/* SPDX-License-Identifier: MIT */
#include "lib/crypt/pem.h"

#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/crypt/ssl.h"

bool pem_is_text(const void *data, size_t len)
{
	static const char begin[] = "-----BEGIN ";

	return len && memmem(data, len, begin, sizeof(begin) - 1) != NULL;
}

int pem_next(const char **text, size_t *len, struct pem_block *out, struct err *err)
{
	BIO *bio AUTO_BIO = ssl_source(*text, *len);
	unsigned char *data = NULL;
	char *label = NULL, *header = NULL;
	long n = 0;
	size_t rest;
	int got;

	ssl_begin();
	got = PEM_read_bio_ex(
		bio, &label, &header, &data, &n, PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE);
	if (!got && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ssl_begin();
		*text += *len;
		*len = 0;
		return 0;
	}
	if (!got)
		return ssl_fail(err, ERR_BAD_VALUE, "a PEM block is malformed");
	rest = (size_t)BIO_pending(bio);
	*text += *len - rest;
	*len = rest;
	*out = (struct pem_block){ .is_encrypted = header[0] != 0 };
	got = strlen(label) < sizeof(out->label);
	if (got) {
		memcpy(out->label, label, strlen(label) + 1);
		secret_add(&out->der, data, (size_t)n);
	}
	OPENSSL_secure_free(label);
	OPENSSL_secure_free(header);
	OPENSSL_secure_clear_free(data, (size_t)n);
	return got ? 1 : err_set(err, ERR_BAD_VALUE, "a PEM label is too long");
}

void pem_block_done(struct pem_block *block)
{
	secret_done(&block->der);
}
