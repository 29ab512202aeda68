/* SPDX-License-Identifier: MIT */
#include "tests/zoo/zoo_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/store/info.h"
#include "daemon/keeper/store/store.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/chain.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"
#include "tests/zoo/zoo.h"

/* The current version of a CA certificate, to sign with; key NULL: absent. */
struct signer {
	const char *name;
	struct key *key;
	struct cert *cert;
	const struct signer *above;
};

struct filling {
	struct store *store;
	const struct conf *conf;
	struct instant now;
	struct signer signers[8];
	size_t n_signers;
};

static const char *at; /* the certificate in work, for messages */

static void must(int result, const struct err *err)
{
	if (result >= 0)
		return;
	fprintf(stderr, "the zoo: %s: %s\n", at, err->text);
	abort();
}

static const struct signer *signer_named(const struct filling *f, const char *name)
{
	for (size_t i = 0; i < f->n_signers; i++)
		if (str_is(f->signers[i].name, name) && f->signers[i].key)
			return &f->signers[i];
	return NULL;
}

/* The root signs here for foreign CAs and for CAs without a key. */
static const struct signer *signer_of(const struct filling *f, const struct beast *beast)
{
	const struct signer *found = NULL;
	const char *name = zoo_signer(beast, f->conf);

	if (str_is(beast->cas, "self"))
		return NULL;
	if (beast->quirk == OTHER_ISSUER)
		name = "ca/old";
	if (name)
		found = signer_named(f, name);
	return found ? found : signer_named(f, "ca/root");
}

static struct cert *sign(const struct filling *f, const struct beast *beast,
	const struct version_facts *like, const struct key *key, struct buf *csr)
{
	const struct cert_conf *conf = conf_cert(f->conf, beast->cert);
	const struct dn_field subject[] = { { "CN", beast->cert } };
	const struct signer *signer = signer_of(f, beast);
	struct cert_wish wish = { subject, 1, (const char *const *)conf->names, conf->n_names,
		conf->is_ca ? 0 : EKU_SERVER_AUTH, conf->is_ca, -1 };
	struct cert_issue order = { .wish = &wish,
		.key = key,
		.issuer = signer ? signer->cert : NULL,
		.issuer_key = signer ? signer->key : NULL,
		.digest = "sha256",
		.not_before = like->not_before,
		.not_after = like->not_after };
	struct cert *cert = NULL;
	struct err err;

	must(cert_issue(&order, &cert, &err), &err);
	must(csr_make(&wish, key, "sha256", csr, &err), &err);
	return cert;
}

/* The invented version with the fields of a real certificate. */
static struct version_facts real(
	const struct version_facts *like, const struct cert *cert, const struct signer *signer)
{
	struct version_facts facts = { .generation = 0 };

	info_from_cert(cert, signer ? signer->cert : cert, like->created, &facts);
	facts.digest = like->digest;
	facts.generation = like->generation;
	facts.key_created = like->key_created;
	facts.ca = like->ca;
	return facts;
}

static struct version_id add(struct filling *f, const char *name, const struct beast *beast,
	const struct version_facts *like, bool keeps)
{
	const struct signer *signer = signer_of(f, beast);
	struct version_files files = { .cert = BUF_INIT };
	struct version_facts facts;
	struct chain chain = CHAIN_INIT;
	struct key *key;
	struct err err;

	must(key_make("ec:secp256r1", &key, &err), &err);
	chain.at[chain.n++] = sign(f, beast, like, key, &files.csr);
	for (const struct signer *up = signer; up; up = up->above)
		chain.at[chain.n++] = up->cert;
	facts = real(like, chain.at[0], signer);
	must(key_write(key, &files.privkey, &err), &err);
	version_files_fill(
		&files, name, &chain, chain.n > 1, signer ? signer->name + 3 : "self", &facts);
	must(store_add(f->store, name, &files, &facts, &err), &err);
	version_files_done(&files);
	if (keeps && f->n_signers < ARRAY_LEN(f->signers)) {
		f->signers[f->n_signers++] =
			(struct signer){ beast->cert, key, chain.at[0], signer };
		return facts.id;
	}
	cert_free(chain.at[0]);
	key_free(key);
	return facts.id;
}

static struct version_id add_rolled(struct filling *f, const char *name,
	const struct beast *beast, const struct version_facts *like, bool keeps)
{
	struct version_id id = add(f, name, beast, like, keeps);
	struct err err;

	must(store_roll(f->store, name, like->rolled, &err), &err);
	return id;
}

/* Adds an older version, so that there is one to list, prune and revoke. */
static struct version_id add_prev(
	struct filling *f, const struct beast *beast, const struct version_facts *curr)
{
	struct version_facts prev = *curr;

	prev.created = prev.not_before = prev.rolled = instant_sub(curr->created, DAYS(30));
	prev.not_after = instant_add(prev.created, DAYS(60));
	return add_rolled(f, beast->cert, beast, &prev, false);
}

static void write_facts(struct filling *f, const struct cert_facts *like,
	const struct version_id *curr, const struct version_id *prev)
{
	struct cert_facts facts;
	struct err err;

	facts_copy(like, &facts);
	for (size_t i = 0; i < facts.n_targets; i++)
		if (version_is_set(&facts.targets[i].confirmed))
			facts.targets[i].copied = facts.targets[i].confirmed = *curr;
	if (version_is_set(&facts.ari.of))
		facts.ari.of = *curr;
	if (version_is_set(&facts.revocation.of))
		facts.revocation.of = facts_are_doomed(like) ? *curr : *prev;
	must(store_write_facts(f->store, &facts, &err), &err);
	facts_done(&facts);
}

static void add_beast(struct filling *f, const struct beast *beast)
{
	struct version_id curr = { .suffix = 0 }, prev = curr;
	struct cert_facts like;
	struct err err;

	at = beast->cert;
	zoo_facts(beast, f->conf, f->now, &like);
	if (version_is_set(&like.prev) || beast->quirk == DEPLOYED)
		prev = add_prev(f, beast, &like.curr);
	if (version_is_set(&like.curr.id))
		curr = add_rolled(f, beast->cert, beast, &like.curr,
			conf_cert(f->conf, beast->cert)->is_ca);
	if (instant_is_set(like.curr.revoked))
		must(store_set_revoked(f->store, beast->cert, &curr, like.curr.revoked, &err),
			&err);
	if (version_is_set(&like.next.id))
		add(f, beast->cert, beast, &like.next, false);
	write_facts(f, &like, &curr, &prev);
	facts_done(&like);
}

/* Adds a certificate that was configured once. */
static void add_archived(struct filling *f)
{
	const struct beast *like = &zoo[zoo_n - 1];
	struct cert_facts facts;

	zoo_facts(like, f->conf, f->now, &facts);
	add_rolled(f, ZOO_ARCHIVED, like, &facts.curr, false);
	facts_done(&facts);
}

void zoo_fill_store(struct store *store, const struct conf *conf, struct instant now)
{
	struct filling f = { .store = store, .conf = conf, .now = now };

	for (size_t i = 0; i < zoo_n; i++)
		add_beast(&f, &zoo[i]);
	add_archived(&f);
	for (size_t i = 0; i < f.n_signers; i++) {
		key_free(f.signers[i].key);
		cert_free(f.signers[i].cert);
	}
}
