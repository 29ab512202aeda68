/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include "daemon/conf/index.h"
#include "daemon/keeper/ca/account.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"

/* Requests about the accounts at ACME CAs: noting, forgetting, listing. */

static int promote(
	struct store *store, const struct authority *at, const char *which, struct err *err)
{
	bool is_candidate = str_is(which, "candidate");

	if (!is_candidate && !str_is(which, "old"))
		return err_set(err, ERR_BAD_ARGUMENT, "promote is candidate or old");
	return account_promote(store, at, is_candidate, err);
}

static int note(
	struct store *store, const struct authority *at, const char *url, struct err *err)
{
	struct account account AUTO_ACCOUNT = { .key = NULL };

	if (authority_check_url(at, url, err) < 0 || account_read(store, at, &account, err) < 0)
		return -1;
	if (!account.key)
		return err_set(err, ERR_BAD_ARGUMENT, "there is no key for an account at %s",
			at->ca->name);
	return account_note(store, at, &account, url, err);
}

/* Bounded, and without anything that could be a line of its own. */
static int refuse(struct store *store, const struct authority *at, const struct line *line,
	const char *code, struct err *err)
{
	const char *text = line_get(line, "text");
	struct failure refusal = { .code = ERR_ACCOUNT_REFUSED, .first = clock_now() };
	struct err said = ERR_INIT;
	int64_t tries = 1;

	if (!str_is(code, err_code_text(ERR_ACCOUNT_REFUSED)))
		return err_set(err, ERR_BAD_ARGUMENT, "refused is %s",
			err_code_text(ERR_ACCOUNT_REFUSED));
	if (line_get_instant(line, "since", &refusal.first, err) < 0 ||
		line_get_int(line, "tries", 1, INT32_MAX, &tries, err) < 0)
		return -1;
	err_set(&said, ERR_ACCOUNT_REFUSED, "%s", text ? text : "");
	refusal.first = instant_min(refusal.first, clock_now());
	refusal.tries = (uint32_t)tries;
	refusal.text = said.text;
	return account_refuse(store, at, &refusal, err);
}

static int change(struct asked *asked, struct err *err)
{
	const struct line *line = &asked->message.line;
	const char *url = line_get(line, "url"), *which = line_get(line, "promote"),
		   *refused = line_get(line, "refused");
	struct store *store = asked->server->store;
	struct authority at;
	bool gone = false, admitted = false;

	if (authority_find(asked->conf, line, &at, err) < 0 ||
		line_get_bool(line, "gone", &gone, err) < 0 ||
		line_get_bool(line, "admitted", &admitted, err) < 0)
		return -1;
	if (gone + admitted + (url != NULL) + (which != NULL) + (refused != NULL) != 1)
		return err_set(err, ERR_BAD_ARGUMENT,
			"one of url, gone, promote, refused and admitted is needed");
	if (admitted)
		return account_refuse(store, &at, &(struct failure){ .code = ERR_NONE }, err);
	return gone      ? account_forget(store, &at, err)
	       : which   ? promote(store, &at, which, err)
	       : refused ? refuse(store, &at, line, refused, err)
			 : note(store, &at, url, err);
}

void serve_account_request(struct asked *asked)
{
	struct err err = ERR_INIT;

	if (change(asked, &err) < 0)
		asked_fail(asked, &err);
	else
		asked_ok(asked, NULL);
}

static int add_account(struct store *store, const struct ca_conf *ca, bool is_test,
	struct buf *rows, struct err *err)
{
	struct authority at = { ca, ca->acme, is_test ? ca->acme->staging : ca->acme->directory,
		is_test };
	struct account account AUTO_ACCOUNT = { .key = NULL };
	struct buf thumbprint AUTO_BUF = BUF_INIT;
	char type[KEY_TYPE_LEN];

	if (!at.directory)
		return 0;
	if (account_read(store, &at, &account, err) < 0)
		return -1;
	if (!account.key)
		return 0;
	if (jws_thumbprint(account.key, &thumbprint, err) < 0)
		return -1;
	buf_add_char(rows, '\n');
	line_add(rows, "ca", ca->name);
	if (is_test)
		line_add_bool(rows, "test", true);
	if (account.url)
		line_add(rows, "url", account.url);
	line_add(rows, "key", key_type_text(account.key, type));
	line_add(rows, "thumbprint", buf_text(&thumbprint));
	line_add_instant(rows, "created", account.created);
	if (account.candidate)
		line_add_bool(rows, "candidate", true);
	if (account.binding)
		line_add(rows, "binding", account.binding);
	if (account.refusal.code != ERR_NONE) {
		line_add(rows, "refused", err_code_text(account.refusal.code));
		if (account.refusal.text)
			line_add(rows, "refused_text", account.refusal.text);
		line_add_instant(rows, "refused_since", account.refusal.first);
		line_add_int(rows, "refused_tries", account.refusal.tries);
	}
	return 0;
}

/*
 * A CA whose account cannot be read has a row that says so, for the others have nothing to do
 * with it.
 */
void serve_accounts_request(struct asked *asked)
{
	struct buf rows AUTO_BUF = BUF_INIT;
	const struct conf *conf = asked->conf;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < conf->n_cas * 2; i++) {
		const struct ca_conf *ca = conf_ca_at(conf, i / 2);

		if (ca->type != CA_ACME || rows.len > KEEPER_MESSAGE_MAX / 2 ||
			add_account(asked->server->store, ca, i % 2, &rows, &err) == 0)
			continue;
		buf_add_char(&rows, '\n');
		line_add(&rows, "ca", ca->name);
		if (i % 2)
			line_add_bool(&rows, "test", true);
		line_add(&rows, "code", err_code_text(err.code));
		line_add(&rows, "text", err.text);
	}
	asked_ok(asked, &rows);
}
