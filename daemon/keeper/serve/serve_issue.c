/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/ca/localca.h"
#include "daemon/keeper/store/store.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"

/*
 * Issuing from the local CA.  When there is a key (serve_key.c) everything else is one step:
 * issuer's files, certificate, version, link.
 */

#define FILE_MAX ((size_t)1024 * 1024)

/* The issuer's files, as the store has them. */
struct issuer_files {
	struct buf cert, chain, privkey_text;
	struct secret privkey;
};

static void issuer_files_done(struct issuer_files *files)
{
	buf_done(&files->cert);
	buf_done(&files->chain);
	secret_done(&files->privkey);
}

static int read_files(struct store *store, const char *name, const struct version_id *version,
	struct issuer_files *out, struct err *err)
{
	int result = 0;

	if (store_read_file(store, name, version, "cert.pem", FILE_MAX, &out->cert, err) < 0 ||
		store_read_file(store, name, version, "chain.pem", FILE_MAX, &out->chain, err) <
			0 ||
		store_read_file(store, name, version, "privkey.pem", KEY_PEM_MAX,
			&out->privkey_text, err) < 0)
		result = -1;
	serve_hide(&out->privkey_text, &out->privkey);
	if (result < 0 && (err->code == ERR_NOT_FOUND || err->code == ERR_NO_SUCH_VERSION))
		err_set(err, ERR_NO_ISSUER, "the CA %s has no current version", name);
	return result;
}

static int read_signer(struct store *store, const char *name, const struct version_id *version,
	struct localca_signer **out, struct err *err)
{
	struct issuer_files files = { 0 };
	int result = read_files(store, name, version, &files, err);

	if (result == 0) {
		struct localca_issuer issuer = { buf_text(&files.cert), buf_text(&files.chain),
			&files.privkey };

		result = localca_signer_read(&issuer, name, out, err);
	}
	issuer_files_done(&files);
	return result;
}

/* The current version of a CA certificate: the one that signed last, or read now. */
static int find_signer(
	struct server *server, const char *name, struct localca_signer **out, struct err *err)
{
	struct kept_signer *kept = &server->kept;
	struct localca_signer *signer;
	struct cert_facts facts;
	struct version_id curr;

	/* An issuer that was damaged or replaced on disk is noticed here. */
	if (store_read(server->store, name, &facts, err) < 0)
		return -1;
	curr = facts.curr.id;
	facts_done(&facts);
	if (!version_is_set(&curr))
		return err_set(err, ERR_NO_ISSUER, "the CA %s has no current version", name);
	if (!kept->signer || !str_is(kept->name, name) ||
		!version_id_equal(&kept->version, &curr)) {
		if (read_signer(server->store, name, &curr, &signer, err) < 0)
			return -1;
		serve_forget_signer(server);
		*kept = (struct kept_signer){ mem_strdup(name), curr, signer };
	}
	server->signer_used(server);
	*out = kept->signer;
	return 0;
}

/* One CA of the list. */
static int issue_by(struct asked *asked, struct localca_order *order,
	struct version_files *files, struct version_facts *version, struct err *err)
{
	const struct conf *conf = asked->conf;

	uint32_t issuer = conf_issuer(conf, order->ca);

	order->signer = NULL;
	if (order->ca != CA_SELF && issuer == CA_NO_ISSUER)
		return err_set(err, ERR_NO_ISSUER, "the CA %s is not a local one",
			conf_ca_at(conf, order->ca)->name);
	if (issuer != CA_NO_ISSUER &&
		find_signer(asked->server, conf_cert_at(conf, issuer)->name, &order->signer,
			err) < 0)
		return -1;
	return localca_issue(order, files, version, err);
}

static int issue_and_store(struct asked *asked, const struct key *key,
	const struct cert_facts *facts, bool reused, struct err *err)
{
	uint32_t last = facts->next.generation > facts->curr.generation
				? facts->next.generation
				: facts->curr.generation;
	struct localca_order order = { .cert = asked->cert,
		.conf = asked->conf,
		.key = key,
		.generation = last + 1,
		.now = clock_now() };
	struct version_files files = { 0 };
	struct version_facts version = { 0 };
	int result = -1;

	order.key_created = reused ? facts->curr.key_created : order.now;
	for (size_t i = 0; i < asked->cert->n_cas && result < 0; i++) {
		order.ca = cert_conf_ca(asked->cert, i);
		result = issue_by(asked, &order, &files, &version, err);
		/* Another CA may help where this one cannot sign; it cannot help anything else. */
		if (result < 0 && err->code != ERR_NO_ISSUER)
			break;
	}
	if (result == 0)
		result = store_add(
			asked->server->store, asked->cert->name, &files, &version, err);
	version_files_done(&files);
	return result;
}

static void finish(struct asked *asked, const struct key *key, bool reused)
{
	struct cert_facts facts;
	struct err err;
	bool had_failed;
	int result;

	if (store_read(asked->server->store, asked->cert->name, &facts, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	result = issue_and_store(asked, key, &facts, reused, &err);
	had_failed = facts.failure.code != ERR_NONE;
	facts_done(&facts);
	if (result == 0)
		serve_prune(asked);
	if (result < 0 || (had_failed && serve_forget_failure(asked, &err) < 0)) {
		asked_fail(asked, &err);
		return;
	}
	serve_show_next(asked, true);
}

void serve_issue_request(struct asked *asked)
{
	serve_want_key(asked, finish);
}
