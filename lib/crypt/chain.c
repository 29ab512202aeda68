/* SPDX-License-Identifier: MIT */
#include "lib/crypt/chain.h"

#include <openssl/x509_vfy.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/ssl.h"

static void ctx_freep(X509_STORE_CTX **ctx)
{
	X509_STORE_CTX_free(*ctx);
}

/* The certificates in it belong to the chain. */
static void stack_freep(STACK_OF(X509) **stack)
{
	sk_X509_free(*stack);
}

int chain_add(struct chain *chain, struct cert *cert, struct err *err)
{
	if (chain->n == CHAIN_MAX) {
		cert_free(cert);
		return err_set(err, ERR_TOO_LARGE, "the chain has more than %d certificates",
			CHAIN_MAX);
	}
	chain->at[chain->n++] = cert;
	return 0;
}

static int chain_add_block(struct chain *chain, const struct pem_block *block, struct err *err)
{
	struct cert *cert;

	if (!str_is(block->label, "CERTIFICATE") || block->is_encrypted)
		return err_set(
			err, ERR_BAD_CHAIN, "the chain holds a PEM block \"%s\"", block->label);
	if (ssl_cert_of_der(block->der.data, block->der.len, &cert, err) < 0)
		return err_add(err, "certificate %zu of the chain", chain->n + 1);
	return chain_add(chain, cert, err);
}

int chain_read(const void *pem, size_t len, struct chain *out, struct err *err)
{
	struct chain all AUTO_CHAIN = CHAIN_INIT;
	struct pem_block block = { .label = "" };
	const char *text = pem;
	int got;

	if (len > CHAIN_PEM_MAX)
		return err_set(err, ERR_TOO_LARGE, "the chain is larger than %zu bytes",
			CHAIN_PEM_MAX);
	while ((got = pem_next(&text, &len, &block, err)) > 0) {
		got = chain_add_block(&all, &block, err);
		pem_block_done(&block);
		if (got < 0)
			break;
	}
	if (got < 0)
		return -1;
	if (all.n == 0)
		return err_set(err, ERR_BAD_CHAIN, "there is no certificate");
	if (all.n > CHAIN_MAX - out->n)
		return err_set(err, ERR_TOO_LARGE, "the chain has more than %d certificates",
			CHAIN_MAX);
	for (size_t i = 0; i < all.n; i++)
		out->at[out->n++] = all.at[i];
	all.n = 0;
	return 0;
}

void chain_write(const struct chain *chain, size_t from, struct buf *out)
{
	for (size_t i = from; i < chain->n; i++)
		cert_write(chain->at[i], out);
}

static int chain_fail(const struct chain *chain, X509_STORE_CTX *ctx, struct err *err)
{
	int depth = X509_STORE_CTX_get_error_depth(ctx);
	const char *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	struct buf subject AUTO_BUF = BUF_INIT;

	ssl_begin();
	if (depth >= 0 && (size_t)depth < chain->n)
		cert_subject_name(chain->at[depth], &subject);
	return err_set(err, ERR_BAD_CHAIN, "certificate %d of the chain (%.120s) fails: %s",
		depth + 1, buf_text(&subject), why);
}

/*
 * Is the verified path, from leaf to anchor, exactly this chain? Then every link is proven, and
 * verifying the signatures again would double the cost.
 */
static bool is_path(X509_STORE_CTX *ctx, const struct chain *chain, const struct cert *anchor)
{
	const STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);
	bool is_longer = anchor && !cert_equal(anchor, chain->at[chain->n - 1]);

	/* For a single certificate that is trusted as it is, the path proves nothing. */
	if (!anchor && chain->n == 1)
		return false;
	if (!path || (size_t)sk_X509_num(path) != chain->n + is_longer)
		return false;
	for (size_t i = 0; i < chain->n; i++)
		if (X509_cmp(sk_X509_value(path, (int)i), chain->at[i]->x509) != 0)
			return false;
	return true;
}

/*
 * OpenSSL searches for an order that verifies, but servers send the certificates in this one.
 */
static int chain_check_order(
	const struct chain *chain, const struct cert *anchor, struct err *err)
{
	const struct cert *last = chain->at[chain->n - 1];

	for (size_t i = 0; i + 1 < chain->n; i++)
		if (cert_is_issued_by(chain->at[i], chain->at[i + 1], err) < 0)
			return err_add(err, "certificate %zu of the chain", i + 1);
	if (anchor && !cert_equal(anchor, last) && cert_is_issued_by(last, anchor, err) < 0)
		return err_add(err, "certificate %zu of the chain", chain->n);
	if (!anchor && chain->n == 1 && !cert_is_self_signed(last))
		return err_set(err, ERR_BAD_CHAIN, "the chain ends without an issuer");
	return 0;
}

static STACK_OF(X509) *stack_new(void)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	if (!stack)
		mem_exhausted();
	return stack;
}

int chain_verify(const struct chain *chain, const struct cert *anchor, struct instant at,
	struct err *err)
{
	X509_STORE_CTX *ctx CLEANUP(ctx_freep) = X509_STORE_CTX_new();
	STACK_OF(X509) *trusted CLEANUP(stack_freep) = stack_new();
	STACK_OF(X509) *others CLEANUP(stack_freep) = stack_new();
	const struct cert *last;
	X509_VERIFY_PARAM *param;
	bool is_good;

	if (chain->n == 0)
		return err_set(err, ERR_BAD_CHAIN, "the chain is empty");
	last = anchor ? anchor : chain->at[chain->n - 1];
	if (!ctx || !sk_X509_push(trusted, last->x509))
		mem_exhausted();
	for (size_t i = 1; i < chain->n; i++)
		if (!sk_X509_push(others, chain->at[i]->x509))
			mem_exhausted();
	ssl_begin();
	if (!X509_STORE_CTX_init(ctx, NULL, chain->at[0]->x509, others))
		return ssl_fail(err, ERR_CRYPTO, "cannot verify the chain");
	X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)at.s);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	is_good = X509_verify_cert(ctx) == 1;
	ssl_begin();
	if (is_good && is_path(ctx, chain, anchor))
		return 0;
	if (chain_check_order(chain, anchor, err) < 0)
		return -1;
	return is_good ? 0 : chain_fail(chain, ctx, err);
}

int chain_verify_first(const struct chain *chain, struct instant at, struct err *err)
{
	if (chain->n < 2)
		return err_set(err, ERR_BAD_CHAIN, "the chain ends without an issuer");
	for (size_t i = 0; i < chain->n; i++) {
		const struct cert *cert = chain->at[i];

		if (instant_before(at, cert->not_before) ||
			!instant_before(at, cert->not_after))
			return err_set(err, ERR_BAD_CHAIN,
				"certificate %zu of the chain is not within its dates", i + 1);
	}
	return cert_is_issued_by(chain->at[0], chain->at[1], err);
}

void chain_done(struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		cert_free(chain->at[i]);
	chain->n = 0;
}
