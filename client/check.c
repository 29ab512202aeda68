/* SPDX-License-Identifier: MIT */
#include "client/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/crypt/chain.h"

void check_add(struct check *check, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	if (check->n_problems == CHECK_PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	check->problems[check->n_problems++] = text;
}

/* Borrows the certificates of the material: the caller clears `out` without chain_done(). */
static void chain_borrow(
	struct check *check, const struct material *material, struct chain *out)
{
	for (size_t i = 0; i < material->n; i++) {
		struct cert *cert = material->items[i].cert;
		size_t k = 0;

		while (cert && k < out->n && !cert_equal(out->at[k], cert))
			k++;
		if (!cert || k < out->n)
			continue;
		if (out->n == CHAIN_MAX) {
			check_add(check, "there are more than %d certificates", CHAIN_MAX);
			return;
		}
		out->at[out->n++] = cert;
	}
}

/* The distinct certificates of picked files, and which of them are in the chain. */
struct pick {
	const struct material_item *items[MATERIAL_MAX];
	bool is_used[MATERIAL_MAX];
	size_t n, last; /* index of the last one in the chain */
};

static void pick_init(struct pick *pick, const struct material *material)
{
	for (size_t i = 0; i < material->n; i++) {
		const struct material_item *item = &material->items[i];
		size_t k = 0;

		while (item->cert && k < pick->n &&
			!cert_equal(pick->items[k]->cert, item->cert))
			k++;
		if (item->cert && k == pick->n)
			pick->items[pick->n++] = item;
	}
}

static bool pick_issued_any(const struct pick *pick, size_t issuer)
{
	struct err err;

	for (size_t i = 0; i < pick->n; i++)
		if (i != issuer && cert_is_issued_by(pick->items[i]->cert,
					   pick->items[issuer]->cert, &err) == 0)
			return true;
	return false;
}

/* The server's certificate; among CAs only, the lowest one. */
static size_t pick_leaf(const struct pick *pick)
{
	for (size_t i = 0; i < pick->n; i++)
		if (!cert_is_ca(pick->items[i]->cert))
			return i;
	for (size_t i = 0; i < pick->n; i++)
		if (!pick_issued_any(pick, i))
			return i;
	return 0;
}

static void pick_use(struct check *check, struct pick *pick, size_t i, struct chain *out)
{
	pick->is_used[i] = true;
	pick->last = i;
	if (out->n < CHAIN_MAX)
		out->at[out->n++] = pick->items[i]->cert;
	else
		check_add(check, "there are more than %d certificates", CHAIN_MAX);
}

/* The index of the last one's issuer, or n. */
static size_t pick_next(const struct pick *pick)
{
	const struct cert *last = pick->items[pick->last]->cert;
	struct err err;
	size_t i = 0;

	if (cert_is_self_signed(last))
		return pick->n;
	while (i < pick->n &&
		(pick->is_used[i] || cert_is_issued_by(last, pick->items[i]->cert, &err) < 0))
		i++;
	return i;
}

/* A certificate outside the chain is a problem, except a further anchor. */
static void pick_judge_rest(struct check *check, const struct pick *pick)
{
	bool is_anchored = cert_is_self_signed(pick->items[pick->last]->cert);

	for (size_t i = 0; i < pick->n; i++) {
		const struct cert *cert = pick->items[i]->cert;
		struct buf subject AUTO_BUF = BUF_INIT;

		if (pick->is_used[i] || (is_anchored && cert_is_self_signed(cert)))
			continue;
		cert_subject_name(cert, &subject);
		if (!cert_is_ca(cert))
			check_add(check, "%.200s is the certificate of another server",
				buf_text(&subject));
		else if (!pick_issued_any(pick, i))
			check_add(check, "%.200s has issued none of these certificates",
				buf_text(&subject));
	}
}

/* Servers send a file unchanged, so the order within one file counts. */
static void chain_pick(struct check *check, const struct material *material, struct chain *out)
{
	struct pick pick = { .n = 0 };
	size_t leaf, i;

	pick_init(&pick, material);
	if (pick.n == 0)
		return;
	leaf = pick_leaf(&pick);
	pick_use(check, &pick, leaf, out);
	for (i = leaf + 1; i < pick.n && cert_is_ca(pick.items[i]->cert); i++)
		if (pick.items[i]->file == pick.items[leaf]->file)
			pick_use(check, &pick, i, out);
	while ((i = pick_next(&pick)) < pick.n) {
		if (i < pick.last && pick.items[i]->file == pick.items[pick.last]->file)
			check_add(check,
				"the certificates of a file are not in order, each before its "
				"issuer");
		pick_use(check, &pick, i, out);
	}
	pick_judge_rest(check, &pick);
}

static void check_keys(struct check *check, const struct material *material)
{
	for (size_t i = 0; i < material->n; i++) {
		const struct key *key = material->items[i].key;
		struct err err;

		if (!key)
			continue;
		if (key_check_strength(key, &err) < 0)
			check_add(check, "%s", err.text);
		if (check->leaf && !cert_has_key(check->leaf, key))
			check_add(check, "a private key does not belong to the certificate");
		for (size_t k = 0; k < material->n; k++)
			if (material->items[k].csr && !csr_has_key(material->items[k].csr, key))
				check_add(check, "the private key does not belong to the "
						 "signing request");
	}
}

static void check_names(struct check *check)
{
	if (cert_n_names(check->leaf) == 0 && !cert_is_ca(check->leaf))
		check_add(check, "the certificate has no names, so no client will accept it");
}

/*
 * The instant for verifying the links: now, or, when dates fail, one when most certificates are
 * valid.
 */
static struct instant check_dates(
	struct check *check, const struct chain *chain, struct instant now)
{
	struct instant latest = cert_not_before(chain->at[0]);
	bool is_good = true;

	for (size_t i = 0; i < chain->n; i++) {
		struct instant from = cert_not_before(chain->at[i]);
		struct instant to = cert_not_after(chain->at[i]);
		char text[INSTANT_TEXT_LEN];

		latest = instant_max(latest, from);
		if (instant_before(now, from))
			check_add(check, "certificate %zu is not valid before %s", i + 1,
				instant_text(from, text));
		else if (instant_before(to, now))
			check_add(check, "certificate %zu ended at %s", i + 1,
				instant_text(to, text));
		else
			continue;
		is_good = false;
	}
	return is_good ? now : latest;
}

void check_run(struct check *check, const struct material *material, struct instant now)
{
	struct chain chain = CHAIN_INIT;
	struct instant at;
	struct err err;

	if (check->is_picked)
		chain_pick(check, material, &chain);
	else
		chain_borrow(check, material, &chain);
	check->chain_len = chain.n;
	if (chain.n > 0) {
		check->leaf = chain.at[0];
		check->top = chain.at[chain.n - 1];
	} else if (check->n_problems == 0) {
		check_add(check, "there is no certificate");
	}
	check_keys(check, material);
	if (!check->leaf)
		return;
	check_names(check);
	at = check_dates(check, &chain, now);
	if (check->is_picked && chain.n == 1 && !cert_is_self_signed(check->leaf))
		return; /* the issuer is not among the files */
	if (chain_verify(&chain, NULL, at, &err) < 0)
		check_add(check, "%s", err.text);
}

void check_done(struct check *check)
{
	for (size_t i = 0; i < check->n_problems; i++)
		free(check->problems[i]);
	*check = (struct check){ .n_problems = 0 };
}
