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

/* Borrows the certificates of the material: the caller empties it without chain_done(). */
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

/* The moment to verify the links at: now, or when dates fail, one when as much as possible holds. */
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
	struct err err;

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
	if (chain_verify(&chain, NULL, check_dates(check, &chain, now), &err) < 0)
		check_add(check, "%s", err.text);
}

void check_done(struct check *check)
{
	for (size_t i = 0; i < check->n_problems; i++)
		free(check->problems[i]);
	*check = (struct check){ .n_problems = 0 };
}
