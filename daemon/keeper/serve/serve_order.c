/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/ca/accept.h"
#include "daemon/keeper/ca/account.h"
#include "daemon/keeper/ca/pending.h"
#include "daemon/keeper/store/store.h"
#include "daemon/keeper/store/store_file.h"
#include "daemon/keeper/store/version.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"

/*
 * The order in flight and the chain that ends it.  The steps of accepting are in the order that
 * loses nothing: the version is stored with its key, then the order and the failure are
 * forgotten, then the pending key goes.  A request that comes again in between finds the
 * version by key and certificate and goes on behind it.
 */

static void remove_pending(
	struct asked *asked, bool is_test, const char *order, struct err *err)
{
	struct pending_name name = { asked->cert->name, is_test, order };

	(void)pending_remove(asked->server->store, &name, err);
	name.order = NULL;
	pending_sweep(asked->server->store, &name, DAYS(PENDING_DAYS));
}

/*
 * Also for a CA that left the configuration meanwhile.  The key goes last: should that fail it is
 * swept some day.
 */
static int forget(struct asked *asked, struct err *err)
{
	const struct line *line = &asked->message.line;
	const char *ca = line_need(line, "ca", err);
	struct pending_name all_tests = { asked->cert->name, true, NULL };
	struct cert_facts facts;
	bool is_test = false;
	int result = 0;

	if (!ca || line_get_bool(line, "test", &is_test, err) < 0)
		return -1;
	/* Nothing of the test tree is a fact, and one test goes on at a time. */
	if (is_test) {
		pending_sweep(asked->server->store, &all_tests, DAYS(0));
		return 0;
	}
	if (store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	if (facts.order.url && str_is(facts.order.ca, ca)) {
		char *order AUTO_FREE = mem_strdup(facts.order.url);
		struct err ignored = ERR_INIT;

		facts_set_order(&facts, &(struct order_facts){ .url = NULL });
		result = store_write_facts(asked->server->store, &facts, err);
		if (result == 0)
			remove_pending(asked, false, order, &ignored);
	}
	facts_done(&facts);
	return result;
}

static int note_fact(struct asked *asked, const struct authority *at, const char *url,
	struct instant expires, struct err *err)
{
	struct order_facts order = { .url = (char *)(uintptr_t)url,
		.ca = (char *)(uintptr_t)at->ca->name,
		.at = clock_now(),
		.expires = expires };
	struct cert_facts facts;
	int result;

	if (store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	if (facts.order.url && !str_is(facts.order.url, url)) {
		err_set(err, ERR_BUSY, "%s has the order %.150s in flight already",
			asked->cert->name, facts.order.url);
		result = -1;
	} else {
		if (facts.order.url)
			order.at = facts.order.at;
		facts_set_order(&facts, &order);
		result = store_write_facts(asked->server->store, &facts, err);
	}
	facts_done(&facts);
	return result;
}

int serve_check_ca(const struct asked *asked, const struct ca_conf *ca, struct err *err)
{
	if (cert_conf_has_ca(asked->conf, asked->cert, ca))
		return 0;
	return err_set(err, ERR_NOT_ALLOWED, "%s is no CA of %s", ca->name, asked->cert->name);
}

static int note(struct asked *asked, struct err *err)
{
	const struct line *line = &asked->message.line;
	const char *url = line_need(line, "url", err);
	struct instant expires = INSTANT_NONE;
	struct authority at;

	if (!url || authority_find(asked->conf, line, &at, err) < 0 ||
		serve_check_ca(asked, at.ca, err) < 0 ||
		line_get_instant(line, "expires", &expires, err) < 0 ||
		authority_check_url(&at, url, err) < 0)
		return -1;
	return at.is_test ? 0 : note_fact(asked, &at, url, expires, err);
}

void serve_order_request(struct asked *asked)
{
	struct err err = ERR_INIT;
	bool done = false;

	if (line_get_bool(&asked->message.line, "done", &done, &err) < 0 ||
		(done ? forget(asked, &err) : note(asked, &err)) < 0)
		asked_fail(asked, &err);
	else
		asked_facts(asked);
}

/*
 * Without its key an order is worth nothing, whatever the CA makes of it, so the engine asks
 * before it waits for one.  A file that cannot be read now says nothing about the key, and is
 * an error.
 */
static int tell_key(struct asked *asked, const char **out, struct err *err)
{
	const struct line *line = &asked->message.line;
	struct pending pending AUTO_PENDING = { .key = NULL };
	struct pending_name name = { .cert = asked->cert->name };
	struct authority at;

	name.order = line_need(line, "order", err);
	if (!name.order || authority_find(asked->conf, line, &at, err) < 0)
		return -1;
	name.is_test = at.is_test;
	*out = "ready";
	if (pending_read(asked->server->store, &name, &pending, err) == 0)
		return 0;
	*out = err->code == ERR_NOT_FOUND ? "none" : "broken";
	return err->code == ERR_IO || err->code == ERR_NO_RIGHTS ? -1 : 0;
}

void serve_order_key_request(struct asked *asked)
{
	struct buf rows AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	const char *key = NULL;

	if (tell_key(asked, &key, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	line_add(&rows, "key", key);
	asked_ok(asked, &rows);
}

/* The version that a crash kept us from telling of, or from linking: this very certificate. */
struct twin {
	struct asked *asked;
	const struct version_files *files;
	const struct version_facts *wanted;
	struct version_id id;
	bool is_linked;
};

static void look_at(const struct version_facts *version, const char *role, void *data)
{
	struct twin *twin = data;
	struct buf pem AUTO_BUF = BUF_INIT;
	struct err ignored;

	if (memcmp(version->spki, twin->wanted->spki, sizeof(version->spki)) != 0 ||
		store_read_file(twin->asked->server->store, twin->asked->cert->name,
			&version->id, "cert.pem", CERT_MAX, &pem, &ignored) < 0 ||
		!str_is(buf_text(&pem), buf_text(&twin->files->cert)))
		return;
	twin->id = version->id;
	twin->is_linked = *role;
}

static int keep_version(struct asked *asked, const struct version_files *files,
	struct version_facts *version, struct err *err)
{
	struct twin twin = { .asked = asked, .files = files, .wanted = version };
	struct store *store = asked->server->store;
	const char *name = asked->cert->name;

	if (store_versions(store, name, look_at, &twin, err) < 0)
		return -1;
	if (!version_is_set(&twin.id))
		return store_add(store, name, files, version, err);
	return twin.is_linked ? 0 : store_set_next(store, name, &twin.id, err);
}

static int keep(struct asked *asked, struct cert_facts *facts,
	const struct version_files *files, struct version_facts *version, struct err *err)
{
	if (keep_version(asked, files, version, err) < 0)
		return -1;
	facts_set_order(facts, &(struct order_facts){ .url = NULL });
	facts_set_failure(facts, NULL, &(struct failure){ .code = ERR_NONE });
	return store_write_facts(asked->server->store, facts, err);
}

/* Where the certificate of a staging directory goes: it is looked at, and never used. */
static int keep_test(struct asked *asked, const struct version_files *files, struct err *err)
{
	const struct {
		const char *file;
		const char *data;
		size_t len;
	} all[] = {
		{ "privkey.pem", files->privkey.data, files->privkey.len },
		{ "csr.pem", files->csr.data, files->csr.len },
		{ "chain.pem", files->chain.data, files->chain.len },
		{ "fullchain.pem", files->fullchain.data, files->fullchain.len },
		{ "info", files->info.data, files->info.len },
		{ "cert.pem", files->cert.data, files->cert.len },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		char *path AUTO_FREE =
			mem_printf("test/certs/%s/%s", asked->cert->name, all[i].file);

		if (store_file_write(asked->server->store, path, all[i].data, all[i].len, err) <
			0)
			return -1;
	}
	return 0;
}

/* The arguments for judging a chain. */
struct acceptance {
	struct authority at;
	struct pending_name name;
	struct pending pending;
	struct cert_facts facts;
};

static void acceptance_done(struct acceptance *a)
{
	pending_done(&a->pending);
	facts_done(&a->facts);
}

static int begin(struct asked *asked, struct acceptance *a, struct err *err)
{
	const struct line *line = &asked->message.line;
	const char *order = line_need(line, "order", err);

	if (!order || authority_find(asked->conf, line, &a->at, err) < 0 ||
		authority_check_url(&a->at, order, err) < 0)
		return -1;
	a->name = (struct pending_name){ asked->cert->name, a->at.is_test, order };
	if (store_read(asked->server->store, asked->cert->name, &a->facts, err) < 0)
		return -1;
	if (!a->at.is_test && (!a->facts.order.url || !str_is(a->facts.order.url, order) ||
				      !str_is(a->facts.order.ca, a->at.ca->name)))
		return err_set(err, ERR_BAD_ARGUMENT, "no order %.150s of %s was noted", order,
			asked->cert->name);
	return pending_read(asked->server->store, &a->name, &a->pending, err);
}

static uint32_t next_generation(const struct cert_facts *facts)
{
	return 1 + (facts->next.generation > facts->curr.generation ? facts->next.generation
								    : facts->curr.generation);
}

static int take_chain(struct asked *asked, bool *is_test, struct err *err)
{
	struct acceptance a CLEANUP(acceptance_done) = { .at = { .ca = NULL } };
	struct version_files files CLEANUP(version_files_done) = { .cert = BUF_INIT };
	struct version_facts version = { .generation = 0 };
	struct accept_order order = { &a.at, asked->cert, &a.pending, 0, clock_now() };
	const char *pem = asked->message.rows;
	struct err ignored = ERR_INIT;

	if (begin(asked, &a, err) < 0)
		return -1;
	order.generation = next_generation(&a.facts);
	if (accept_chain(&order, pem, strlen(pem), &files, &version, err) < 0)
		return -1;
	*is_test = a.at.is_test;
	if ((*is_test ? keep_test(asked, &files, err)
		      : keep(asked, &a.facts, &files, &version, err)) < 0)
		return -1;
	remove_pending(asked, *is_test, a.name.order, &ignored);
	return 0;
}

void serve_accept_request(struct asked *asked)
{
	struct err err = ERR_INIT;
	bool is_test = false;

	if (take_chain(asked, &is_test, &err) < 0)
		asked_fail(asked, &err);
	else if (is_test)
		asked_facts(asked);
	else {
		serve_prune(asked);
		serve_show_next(asked, true);
	}
}
