/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/ca/accept.h"

#include <string.h>

#include "daemon/keeper/ca/account.h"
#include "daemon/keeper/ca/pending.h"
#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/err.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/key.h"
#include "lib/crypt/roots.h"

/* The roots that its chains must lead to, or NULL. */
static const char *roots_of(const struct authority *at)
{
	return at->is_test ? at->acme->staging_roots : at->acme->roots;
}

static int check_life(const struct accept_order *order, struct instant from,
	struct instant until, struct err *err)
{
	struct duration life = instant_since(until, from);
	char text[INSTANT_TEXT_LEN];

	if (life.s > ACCEPT_LIFE_HELD.s || life.s <= 0)
		return err_set(err, ERR_BAD_CERT,
			"the certificate lasts until %s, which nobody can mean",
			instant_text(until, text));
	if (life.s > ACCEPT_LIFE.s && !roots_of(order->at))
		return err_set(err, ERR_BAD_CERT,
			"the certificate lasts until %s, longer than 400 days, which is taken "
			"only from a CA that has %s",
			instant_text(until, text),
			order->at->is_test ? "a staging_roots_file" : "a roots_file");
	return 0;
}

static int check_dates(
	const struct accept_order *order, const struct cert *leaf, struct err *err)
{
	struct instant from = cert_not_before(leaf), until = cert_not_after(leaf);
	char text[INSTANT_TEXT_LEN];

	if (instant_before(instant_add(order->now, ACCEPT_AHEAD), from))
		return err_set(err, ERR_BAD_CERT, "the certificate does not begin before %s",
			instant_text(from, text));
	if (!instant_before(order->now, until))
		return err_set(err, ERR_BAD_CERT, "the certificate ended at %s already",
			instant_text(until, text));
	return check_life(order, from, until, err);
}

static int check_leaf(
	const struct accept_order *order, const struct cert *leaf, struct err *err)
{
	const struct cert_conf *cert = order->cert;

	if (!cert_has_key(leaf, order->pending->key))
		return err_set(err, ERR_BAD_CERT,
			"the certificate does not carry the key of the order");
	if (cert_is_ca(leaf))
		return err_set(err, ERR_BAD_CERT, "the certificate is that of a CA");
	if (cert_has_exactly(leaf, (const char *const *)cert->names, cert->n_names, err) < 0)
		return -1;
	return check_dates(order, leaf, err);
}

/* Puts the configured certificate that issued the leaf behind it. */
static int add_issuer(const struct accept_order *order, struct chain *chain, struct err *err)
{
	const char *trust = order->at->acme->trust;
	struct chain roots AUTO_CHAIN = CHAIN_INIT;
	struct err ignored;

	if (trust && chain_read(trust, strlen(trust), &roots, &ignored) == 0)
		for (size_t i = 0; i < roots.n; i++)
			if (cert_is_issued_by(chain->at[0], roots.at[i], &ignored) == 0) {
				struct cert *issuer = roots.at[i];

				roots.at[i] = roots.at[--roots.n];
				return chain_add(chain, issuer, err);
			}
	return err_set(err, ERR_BAD_CHAIN,
		"the certificate came without its issuer, and no certificate of `trust` is "
		"that");
}

static int check_chain(const struct accept_order *order, struct chain *chain, struct err *err)
{
	struct instant from = cert_not_before(chain->at[0]), at = instant_max(order->now, from);
	const char *roots = roots_of(order->at);

	if (chain->n == 1 && add_issuer(order, chain, err) < 0)
		return -1;
	/* Where our clock is late everything is looked at from the beginning of the leaf. */
	if (chain_verify(chain, NULL, at, err) < 0)
		return -1;
	if (roots && roots_verify(roots, chain, at, err) < 0)
		return err_add(err, "%s of %s",
			order->at->is_test ? "staging_roots_file" : "roots_file",
			order->at->ca->name);
	return 0;
}

int accept_chain(const struct accept_order *order, const char *pem, size_t len,
	struct version_files *out, struct version_facts *facts, struct err *err)
{
	struct version_files files CLEANUP(version_files_done) = { .cert = BUF_INIT };
	struct version_facts made = { .id = facts->id };
	struct chain chain AUTO_CHAIN = CHAIN_INIT;

	if (chain_read(pem, len, &chain, err) < 0 || check_leaf(order, chain.at[0], err) < 0 ||
		check_chain(order, &chain, err) < 0 ||
		key_write(order->pending->key, &files.privkey, err) < 0)
		return -1;
	info_from_cert(chain.at[0], chain.at[1], order->now, &made);
	made.digest = order->cert->digest;
	made.generation = order->generation;
	made.key_created = order->pending->key_created;
	made.ca = facts_ca(order->at->ca->name);
	buf_add(&files.csr, order->pending->csr.data, order->pending->csr.len);
	version_files_fill(&files, order->cert->name, &chain, 1, order->at->ca->name, &made);
	/* It could be stored, and not read again. */
	if (files.info.len > INFO_MAX)
		return err_set(err, ERR_BAD_CERT,
			"the certificate has names or a serial number without end");
	*facts = made;
	*out = files;
	files = (struct version_files){ .cert = BUF_INIT };
	return 0;
}
