/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/ca/account.h"
#include "daemon/keeper/ca/keyauth.h"
#include "daemon/keeper/publish/challenge.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/jws.h"
#include "lib/wire/name.h"

/*
 * Presenting and withdrawing challenges.  The engine names an order's certificate, CA, name and
 * the CA's token; everything that is shown to the world is composed here and in challenge.c.
 */

static int find_ca(struct asked *asked, struct challenge_wish *wish, struct err *err)
{
	const char *name = line_need(&asked->message.line, "ca", err);
	const struct ca_conf *ca = name ? conf_ca(asked->conf, name) : NULL;

	if (!name)
		return -1;
	if (!ca || ca->type != CA_ACME || !cert_conf_has_ca(asked->conf, asked->cert, ca))
		return err_set(err, ERR_NOT_ALLOWED, "%s is no ACME CA of %s", name,
			asked->cert->name);
	wish->ca = ca->name;
	return line_get_bool(&asked->message.line, "test", &wish->is_test, err);
}

/* A wildcard is proven by records at the name behind it, and by nothing else. */
static bool has_name(const struct asked *asked, const char *name, bool is_dns)
{
	for (size_t i = 0; i < asked->cert->n_names; i++) {
		const char *own = asked->cert->names[i];

		if (str_is(own, name) ||
			(is_dns && name_is_wildcard(own) && str_is(own + strlen("*."), name)))
			return true;
	}
	return false;
}

static int find_name(struct asked *asked, struct challenge_wish *wish, struct err *err)
{
	const char *name = line_need(&asked->message.line, "name", err);
	bool is_dns = challenge_is_dns(wish->type);

	if (!name)
		return -1;
	wish->shown = name;
	if (is_dns && name_is_wildcard(name))
		name += strlen("*.");
	if (!has_name(asked, name, is_dns))
		return err_set(err, ERR_NOT_ALLOWED, "%s is no name of %s that %s could prove",
			name, asked->cert->name, challenge_text(wish->type));
	wish->name = name;
	return 0;
}

static int find_type(struct asked *asked, struct challenge_wish *wish, struct err *err)
{
	const char *type = line_need(&asked->message.line, "type", err);

	if (!type)
		return -1;
	wish->type = challenge_parse(type);
	if (wish->type == CHALLENGE_COUNT)
		return err_set(err, ERR_BAD_ARGUMENT, "there is no challenge %s", type);
	return 0;
}

static int read_wish(struct asked *asked, struct challenge_wish *wish, struct err *err)
{
	wish->cert = asked->cert;
	wish->owner = line_get(&asked->message.line, "owner");
	wish->apex = line_get(&asked->message.line, "apex");
	wish->token = line_need(&asked->message.line, "token", err);
	return !wish->token || keyauth_check_token(wish->token, err) < 0 ||
			       find_ca(asked, wish, err) < 0 ||
			       find_type(asked, wish, err) < 0 ||
			       find_name(asked, wish, err) < 0
		       ? -1
		       : 0;
}

/* The account at the CA. */
static int read_account(
	struct asked *asked, struct buf *thumbprint, struct buf *url, struct err *err)
{
	struct account account AUTO_ACCOUNT = { .key = NULL };
	struct authority at;

	if (authority_find(asked->conf, &asked->message.line, &at, err) < 0 ||
		account_read(asked->server->store, &at, &account, err) < 0)
		return -1;
	if (!account.key)
		return err_set(err, ERR_ACCOUNT_LOST, "there is no account at %s", at.ca->name);
	buf_add_text(url, account.url ? account.url : "");
	return jws_thumbprint(account.key, thumbprint, err);
}

static void presented(void *data, const struct challenge_told *told, const struct err *err)
{
	struct asked *asked = data;
	struct buf words AUTO_BUF = BUF_INIT;

	asked->work = NULL;
	if (err_is_set(err)) {
		asked_fail(asked, err);
		return;
	}
	line_add(&words, "id", told->id);
	line_add(&words, "key_authorization", told->key_authorization);
	if (told->owner) {
		line_add(&words, "zone", told->zone);
		line_add(&words, "owner", told->owner);
		line_add(&words, "value", told->value);
	}
	asked_ok(asked, &words);
}

void serve_publish_ended(void *data, const struct challenge_told *told, const struct err *err)
{
	struct asked *asked = data;

	(void)told;
	asked->work = NULL;
	asked_result(asked, err);
}

void serve_publish_forget(void *work)
{
	challenge_forget(work);
}

void serve_present_request(struct asked *asked)
{
	struct challenge_wish wish = { .is_test = false };
	struct buf thumbprint AUTO_BUF = BUF_INIT, url AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;

	asked->drop_work = serve_publish_forget;
	if (read_wish(asked, &wish, &err) == 0 &&
		read_account(asked, &thumbprint, &url, &err) == 0) {
		wish.thumbprint = buf_text(&thumbprint);
		wish.account_url = buf_text(&url);
		asked->work = challenge_present(
			asked->server->challenges, asked->conf, &wish, presented, asked, &err);
	}
	if (!asked->work)
		asked_fail(asked, &err);
}

void serve_withdraw_request(struct asked *asked)
{
	const char *id;
	struct err err;

	asked->drop_work = serve_publish_forget;
	id = line_need(&asked->message.line, "id", &err);
	if (!id) {
		asked_fail(asked, &err);
		return;
	}
	asked->work =
		challenge_withdraw(asked->server->challenges, id, serve_publish_ended, asked);
	if (!asked->work)
		asked_ok(asked, NULL);
}
