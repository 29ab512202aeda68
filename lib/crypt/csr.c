/* SPDX-License-Identifier: MIT */
#include "lib/crypt/csr.h"

#include <string.h>
#include <openssl/pem.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/key.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/ssl.h"

static void req_freep(X509_REQ **req)
{
	X509_REQ_free(*req);
}

static int csr_sign(X509_REQ *req, const struct key *key, const char *digest, struct err *err)
{
	EVP_MD *md AUTO_MD = NULL;

	if (ssl_signing_digest(key->pkey, digest, &md, err) < 0)
		return -1;
	ssl_begin();
	if (X509_REQ_sign(req, key->pkey, md) <= 0)
		return ssl_fail(err, ERR_CRYPTO, "cannot sign the request");
	return 0;
}

static int csr_build(const struct cert_wish *wish, const struct key *key, const char *digest,
	X509_REQ **out, struct err *err)
{
	X509_REQ *req CLEANUP(req_freep) = X509_REQ_new();
	X509_NAME *subject AUTO_NAME = NULL;
	STACK_OF(X509_EXTENSION) *list AUTO_EXTENSIONS = NULL;

	if (!req)
		mem_exhausted();
	if (ssl_name_make(wish, &subject, err) < 0 ||
		ssl_extensions_make(wish, key->pkey, &list, err) < 0)
		return -1;
	ssl_begin();
	if (!X509_REQ_set_version(req, X509_REQ_VERSION_1) ||
		!X509_REQ_set_subject_name(req, subject) ||
		(!ssl_spki_put(key->pkey, X509_REQ_get_X509_PUBKEY(req)) &&
			!X509_REQ_set_pubkey(req, key->pkey)) ||
		!X509_REQ_add_extensions(req, list))
		return ssl_fail(err, ERR_CRYPTO, "cannot make the request");
	if (csr_sign(req, key, digest, err) < 0)
		return -1;
	*out = mem_take(&req);
	return 0;
}

int csr_make(const struct cert_wish *wish, const struct key *key, const char *digest,
	struct buf *out, struct err *err)
{
	X509_REQ *req CLEANUP(req_freep) = NULL;
	BIO *bio AUTO_BIO = ssl_sink();

	if (csr_build(wish, key, digest, &req, err) < 0)
		return -1;
	if (PEM_write_bio_X509_REQ(bio, req) != 1)
		mem_exhausted();
	ssl_take_bio(bio, out);
	return 0;
}

int csr_make_der(const struct cert_wish *wish, const struct key *key, const char *digest,
	struct buf *out, struct err *err)
{
	X509_REQ *req CLEANUP(req_freep) = NULL;
	unsigned char *der = NULL;
	int len;

	if (csr_build(wish, key, digest, &req, err) < 0)
		return -1;
	len = i2d_X509_REQ(req, &der);
	if (len < 0)
		mem_exhausted();
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

static void csr_take_names(struct csr *csr)
{
	STACK_OF(X509_EXTENSION) *list AUTO_EXTENSIONS = X509_REQ_get_extensions(csr->req);
	GENERAL_NAMES *alt = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);

	ssl_names_take(alt, &csr->names, &csr->n_names);
	GENERAL_NAMES_free(alt);
	ssl_begin();
}

static int csr_of_der(const void *der, size_t len, struct csr **out, struct err *err)
{
	struct csr *csr AUTO_CSR = mem_new(struct csr);
	const unsigned char *p = der;
	EVP_PKEY *pkey;

	ssl_begin();
	csr->req = len ? d2i_X509_REQ(NULL, &p, (long)len) : NULL;
	if (!csr->req)
		return ssl_fail(err, ERR_BAD_VALUE, "the signing request is unreadable");
	if (p != (const unsigned char *)der + len)
		return err_set(
			err, ERR_BAD_VALUE, "the signing request has bytes behind its end");
	pkey = X509_REQ_get0_pubkey(csr->req);
	if (!pkey || X509_REQ_verify(csr->req, pkey) != 1)
		return ssl_fail(
			err, ERR_BAD_VALUE, "the signing request is not signed by its own key");
	csr_take_names(csr);
	*out = mem_take(&csr);
	return 0;
}

int csr_read(const void *data, size_t len, struct csr **out, struct err *err)
{
	struct pem_block block = { .label = "" };
	const char *text = data;
	int got;

	if (len > CSR_PEM_MAX)
		return err_set(err, ERR_TOO_LARGE,
			"the signing request is larger than %zu bytes", CSR_PEM_MAX);
	if (!pem_is_text(data, len))
		return csr_of_der(data, len, out, err);
	got = pem_next(&text, &len, &block, err);
	if (got == 0)
		return err_set(err, ERR_BAD_VALUE, "there is no signing request");
	if (got > 0 && !str_ends(block.label, "CERTIFICATE REQUEST"))
		got = err_set(err, ERR_BAD_VALUE, "a PEM block \"%s\" is no signing request",
			block.label);
	else if (got > 0)
		got = csr_of_der(block.der.data, block.der.len, out, err);
	pem_block_done(&block);
	return got;
}

bool csr_has_key(const struct csr *csr, const struct key *key)
{
	bool is = EVP_PKEY_eq(X509_REQ_get0_pubkey(csr->req), key->pkey) == 1;

	ssl_begin();
	return is;
}

size_t csr_n_names(const struct csr *csr)
{
	return csr->n_names;
}

const char *csr_name(const struct csr *csr, size_t i)
{
	return csr->names[i];
}

struct key *csr_key(const struct csr *csr)
{
	struct key *key = mem_new(struct key);

	key->pkey = X509_REQ_get_pubkey(csr->req);
	return key;
}

void csr_free(struct csr *csr)
{
	if (!csr)
		return;
	X509_REQ_free(csr->req);
	ssl_names_free(csr->names, csr->n_names);
	free(csr);
}

void csr_freep(struct csr **csr)
{
	csr_free(*csr);
}
