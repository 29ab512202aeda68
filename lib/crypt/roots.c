/* SPDX-License-Identifier: MIT */
#include "lib/crypt/roots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509_vfy.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/crypt/der_peek.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/ssl.h"

struct path {
	X509_STORE_CTX *ctx;
	STACK_OF(X509) *roots;  /* owns them */
	STACK_OF(X509) *others; /* the chain's */
};

static void path_done(struct path *path)
{
	X509_STORE_CTX_free(path->ctx);
	sk_X509_pop_free(path->roots, X509_free);
	sk_X509_free(path->others);
}

/*
 * State: `index` keeps the blocks of the last PEM text and the hashes of their subjects,
 * because the certificates of a CA are checked against the same text one after the other. A
 * system's file has some hundred and fifty roots, for which d2i_X509() takes ten times as long
 * as the rest of an order, and base64 alone as long.
 */
struct block {
	const char *pem;
	size_t len;
	unsigned long subject;
	bool is_odd; /* without a subject to hash */
};

static struct index {
	char *pem;
	struct block *blocks;
	size_t n;
} known;

static void forget(void)
{
	free(known.pem);
	free(known.blocks);
	known = (struct index){ .n = 0 };
}

static unsigned long name_hash(const X509_NAME *name, bool *is_odd)
{
	int has_hash = 0;
	unsigned long hash = name ? X509_NAME_hash_ex(name, NULL, NULL, &has_hash) : 0;

	*is_odd = !has_hash;
	return hash;
}

static void note(struct block *block, const struct secret *der)
{
	const unsigned char *at;
	X509_NAME *name = NULL;
	size_t len;

	if (der_peek_subject(der->data, der->len, &at, &len))
		name = d2i_X509_NAME(NULL, &at, (long)len);
	block->subject = name_hash(name, &block->is_odd);
	X509_NAME_free(name);
}

static int learn(const char *pem, struct err *err)
{
	struct pem_block block = { .label = "" };
	const char *at, *from;
	size_t left = strlen(pem);
	int got;

	if (known.pem && strcmp(known.pem, pem) == 0)
		return 0;
	forget();
	at = from = known.pem = mem_strdup(pem);
	while ((got = pem_next(&at, &left, &block, err)) > 0) {
		known.blocks = mem_grow(known.blocks, known.n + 1, sizeof(*known.blocks));
		known.blocks[known.n] =
			(struct block){ .pem = from, .len = (size_t)(at - from) };
		note(&known.blocks[known.n++], &block.der);
		pem_block_done(&block);
		from = at;
	}
	if (got < 0)
		forget();
	return got;
}

/* The names of the chain's issuers. */
struct issuers {
	unsigned long names[CHAIN_MAX];
	size_t n;
	bool is_odd;
};

static struct issuers issuers_of(const struct chain *chain)
{
	struct issuers issuers = { .n = 0 };
	bool is_odd;

	assert(chain->n <= CHAIN_MAX);
	while (issuers.n < chain->n) {
		const X509 *x509 = chain->at[issuers.n]->x509;

		issuers.names[issuers.n++] = name_hash(X509_get_issuer_name(x509), &is_odd);
		issuers.is_odd |= is_odd;
	}
	return issuers;
}

static bool may_issue(const struct block *root, const struct issuers *issuers)
{
	for (size_t i = 0; i < issuers->n; i++)
		if (issuers->names[i] == root->subject)
			return true;
	return root->is_odd || issuers->is_odd;
}

static int take_root(const struct block *from, STACK_OF(X509) *roots, struct err *err)
{
	struct pem_block block = { .label = "" };
	const char *pem = from->pem;
	const unsigned char *der;
	size_t len = from->len;
	X509 *root;

	if (pem_next(&pem, &len, &block, err) < 0)
		return -1;
	der = (const unsigned char *)block.der.data;
	ssl_begin();
	root = d2i_X509(NULL, &der, (long)block.der.len);
	pem_block_done(&block);
	if (!root)
		return ssl_fail(err, ERR_BAD_CERT, "a root is unreadable");
	if (!sk_X509_push(roots, root))
		mem_exhausted();
	return 0;
}

static int take_roots(
	const char *pem, const struct chain *chain, STACK_OF(X509) *roots, struct err *err)
{
	struct issuers issuers = issuers_of(chain);

	if (learn(pem, err) < 0)
		return -1;
	for (size_t i = 0; i < known.n; i++)
		if (may_issue(&known.blocks[i], &issuers) &&
			take_root(&known.blocks[i], roots, err) < 0)
			return -1;
	return 0;
}

static int fail(const struct chain *chain, const X509_STORE_CTX *ctx, struct err *err)
{
	struct buf issuer AUTO_BUF = BUF_INIT;

	ssl_begin();
	ssl_name_text(X509_get_issuer_name(chain->at[chain->n - 1]->x509), &issuer);
	return err_set(err, ERR_BAD_CHAIN,
		"the chain, which ends below \"%.120s\", leads to none of the roots: %s",
		buf_text(&issuer),
		X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

int roots_verify(const char *pem, const struct chain *chain, struct instant at, struct err *err)
{
	struct path path CLEANUP(
		path_done) = { X509_STORE_CTX_new(), sk_X509_new_null(), sk_X509_new_null() };
	X509_VERIFY_PARAM *param;

	if (chain->n == 0)
		return err_set(err, ERR_BAD_CHAIN, "the chain is empty");
	if (!path.ctx || !path.roots || !path.others)
		mem_exhausted();
	for (size_t i = 1; i < chain->n; i++)
		if (!sk_X509_push(path.others, chain->at[i]->x509))
			mem_exhausted();
	if (take_roots(pem, chain, path.roots, err) < 0)
		return -1;
	ssl_begin();
	if (!X509_STORE_CTX_init(path.ctx, NULL, chain->at[0]->x509, path.others))
		return ssl_fail(err, ERR_CRYPTO, "cannot verify the chain");
	X509_STORE_CTX_set0_trusted_stack(path.ctx, path.roots);
	param = X509_STORE_CTX_get0_param(path.ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)at.s);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX);
	if (X509_verify_cert(path.ctx) != 1)
		return fail(chain, path.ctx, err);
	ssl_begin();
	return 0;
}
