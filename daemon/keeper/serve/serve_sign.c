/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/signing.h"

#include <string.h>

#include "daemon/keeper/store/store.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/crypt/csr.h"
#include "lib/crypt/key.h"

/*
 * The request `sign`.  Finalizing an order needs the key of the order and its signing request
 * (RFC 8555, 7.4).  They are stored before the request leaves; asked again, after any crash,
 * the same order gets the same.
 */

/* RFC 5280, appendix A: ub-common-name. */
#define COMMON_NAME_MAX 64

/*
 * A common name is requested only where one is configured and one of the names: CAs differ in
 * what else they take, and they refuse what they do not know (RFC 8555, 7.4).
 */
static size_t csr_subject(const struct cert_conf *cert, struct dn_field *out)
{
	for (size_t i = 0; i < cert->n_subject; i++)
		for (size_t k = 0; str_is(cert->subject[i].key, "CN") && k < cert->n_names; k++)
			if (str_is(cert->subject[i].value, cert->names[k]) &&
				strlen(cert->names[k]) <= COMMON_NAME_MAX) {
				*out = (struct dn_field){ "CN", cert->names[k] };
				return 1;
			}
	return 0;
}

static int make_csr(
	const struct cert_conf *cert, const struct key *key, struct buf *out, struct err *err)
{
	struct dn_field field;
	struct cert_wish wish = { .subject = &field,
		.n_subject = csr_subject(cert, &field),
		.names = (const char *const *)cert->names,
		.n_names = cert->n_names,
		.path_length = -1 };

	return csr_make(&wish, key, "sha256", out, err);
}

static bool is_account_key(const struct signing *s, const struct key *key)
{
	uint8_t ours[SHA256_LEN], its[SHA256_LEN];

	key_spki_sha256(s->account.key, ours);
	key_spki_sha256(key, its);
	return memcmp(ours, its, sizeof(its)) == 0;
}

/* The key of the order and its request are stored before they are used. */
static int store_key(struct signing *s, const struct key *key, bool reused,
	const struct pending_name *name, struct err *err)
{
	struct store *store = s->asked->server->store;
	struct instant created = clock_now();
	struct buf csr AUTO_BUF = BUF_INIT;
	struct cert_facts facts;

	if (is_account_key(s, key))
		return err_set(err, ERR_BAD_KEY,
			"the key of %s is that of the account, which no CA accepts",
			name->cert);
	if (reused) {
		if (store_read(store, name->cert, &facts, err) < 0)
			return -1;
		created = facts.curr.key_created;
		facts_done(&facts);
	}
	if (make_csr(s->asked->cert, key, &csr, err) < 0)
		return -1;
	/* Orders of tests are bounded by no fact of an order in flight: one goes on at a time. */
	if (name->is_test)
		pending_sweep(store, name, DAYS(0));
	return pending_write(store, name, s->at.ca->name, key, created, &csr, &s->pending, err);
}

static struct pending_name name_of(const struct signing *s)
{
	return (struct pending_name){ .cert = s->asked->cert->name,
		.is_test = s->at.is_test,
		.order = line_get(&s->asked->message.line, "order") };
}

/* The loop went on while the key was made, so everything is read again. */
static void key_made(struct asked *asked, const struct key *key, bool reused)
{
	struct signing s CLEANUP(signing_done) = { .asked = NULL };
	struct pending_name name;
	struct err err = ERR_INIT;

	if (signing_begin(asked, &s, &err) == 0 && signing_check_account(&s, &err) == 0) {
		name = name_of(&s);
		if (pending_read(asked->server->store, &name, &s.pending, &err) == 0 ||
			(err.code == ERR_NOT_FOUND &&
				store_key(&s, key, reused, &name, &err) == 0)) {
			signing_finish(&s);
			return;
		}
	}
	asked_fail(asked, &err);
}

/* Is it the order that the facts tell of?  The test tree has no facts. */
static int check_order(const struct signing *s, struct err *err)
{
	const char *order = line_need(&s->asked->message.line, "order", err);
	struct cert_facts facts;
	bool is_known;

	if (!order || !line_need(&s->asked->message.line, "cert", err) ||
		authority_check_url(&s->at, order, err) < 0)
		return -1;
	if (s->at.is_test)
		return 0;
	if (store_read(s->asked->server->store, s->asked->cert->name, &facts, err) < 0)
		return -1;
	is_known = facts.order.url && str_is(facts.order.url, order) &&
		   str_is(facts.order.ca, s->at.ca->name);
	facts_done(&facts);
	return is_known ? 0
			: err_set(err, ERR_BAD_ARGUMENT, "no order %.150s of %s was noted",
				  order, s->asked->cert->name);
}

static void finalize(struct signing *s)
{
	struct asked *asked = s->asked;
	struct pending_name name;
	struct err err = ERR_INIT;

	if (signing_check_account(s, &err) < 0 || check_order(s, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	name = name_of(s);
	if (pending_read(asked->server->store, &name, &s->pending, &err) == 0)
		signing_finish(s);
	else if (err.code == ERR_NOT_FOUND)
		serve_want_key(asked, key_made);
	else
		asked_fail(asked, &err);
}

void serve_sign_request(struct asked *asked)
{
	struct signing s CLEANUP(signing_done) = { .asked = NULL };
	struct err err = ERR_INIT;

	if (signing_begin(asked, &s, &err) < 0)
		asked_fail(asked, &err);
	else if (s.op == SIGN_FINALIZE)
		finalize(&s);
	else
		signing_finish(&s);
}
