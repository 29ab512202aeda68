#include "lib/crypt/roots.h"

#include <string.h>

#include <openssl/x509_vfy.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/crypt/brief.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/pem.h"
#include "lib/crypt/ssl.h"

struct path {
	X509_STORE_CTX *ctx;
	STACK_OF(X509) * roots;  /* owns them */
	STACK_OF(X509) * others; /* the chain's */
};

static void path_done(struct path *path)
{
	X509_STORE_CTX_free(path->ctx);
	sk_X509_pop_free(path->roots, X509_free);
	sk_X509_free(path->others);
}

/*
 * Has the chain a certificate whose issuer is called so?  A system's file has some hundred and fifty roots,
 * and d2i_X509() of each takes ten times what the rest of an order does; names alone are quick.
 */
static bool may_end(const struct chain *chain, const struct secret *root)
{
	const unsigned char *name;
	X509_NAME *subject;
	bool is_issuer = false;
	size_t len;

	if (!cert_brief_subject(root->data, root->len, &name, &len))
		return true; /* something to complain of */
	subject = d2i_X509_NAME(NULL, &name, (long)len);
	for (size_t i = 0; subject && i < chain->n && !is_issuer; i++)
		is_issuer =
			X509_NAME_cmp(X509_get_issuer_name(chain->at[i]->x509), subject) == 0;
	is_issuer |= !subject;
	X509_NAME_free(subject);
	return is_issuer;
}

static int take_roots(
	const char *pem, const struct chain *chain, STACK_OF(X509) * roots, struct err *err)
{
	struct pem_block block = { .label = "" };
	size_t len = strlen(pem);
	int got;

	while ((got = pem_next(&pem, &len, &block, err)) > 0) {
		const unsigned char *der = (const unsigned char *)block.der.data;
		X509 *root = NULL;
		bool is_wanted;

		ssl_begin();
		is_wanted = may_end(chain, &block.der);
		if (is_wanted)
			root = d2i_X509(NULL, &der, (long)block.der.len);
		pem_block_done(&block);
		if (is_wanted && !root)
			return ssl_fail(err, ERR_BAD_CERT, "a root is unreadable");
		if (is_wanted && !sk_X509_push(roots, root))
			mem_exhausted();
	}
	return got;
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
