/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/signing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "daemon/keeper/files/secrets.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"

/*
 * Signing for an ACME CA (RFC 8555, 6.2).  The engine names an operation; header and payload
 * are composed here from the configuration and the store.  So an engine that was taken over can
 * use the account, and cannot say with it what it likes: only to this CA, only about configured
 * names, and nothing that gives up the account or the current certificate.
 */

/* RFC 8555, 6.5.1: base64url; the length is ours. */
#define NONCE_MAX 512

void signing_done(struct signing *s)
{
	account_done(&s->account);
	pending_done(&s->pending);
	key_free(s->cert_key);
	buf_done(&s->payload);
}

static const char *word_of(const struct asked *asked, const char *key)
{
	return line_get(&asked->message.line, key);
}

static int check_nonce(const char *nonce, struct err *err)
{
	size_t len = strlen(nonce);

	if (len > 0 && len <= NONCE_MAX &&
		strspn(nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			      "0123456789-_") == len)
		return 0;
	return err_set(err, ERR_BAD_ARGUMENT, "the nonce is not base64url");
}

int signing_begin(struct asked *asked, struct signing *out, struct err *err)
{
	const struct line *line = &asked->message.line;
	const char *op = line_need(line, "op", err);

	*out = (struct signing){ .asked = asked, .op = op ? sign_parse(op) : SIGN_COUNT };
	if (out->op == SIGN_COUNT)
		return err_set(err, ERR_BAD_ARGUMENT, "there is no such operation to sign");
	out->url = line_need(line, "url", err);
	out->nonce = out->url ? line_need(line, "nonce", err) : NULL;
	if (!out->nonce || authority_find(asked->conf, line, &out->at, err) < 0 ||
		authority_check_url(&out->at, out->url, err) < 0 ||
		check_nonce(out->nonce, err) < 0)
		return -1;
	return account_read(asked->server->store, &out->at, &out->account, err);
}

static int want_cert(const struct signing *s, struct err *err)
{
	return line_need(&s->asked->message.line, "cert", err) ? 0 : -1;
}

static void add_member(struct buf *out, const char *name, const char *value)
{
	buf_printf(
		out, "%s\"%s\":", out->len && out->data[out->len - 1] != '{' ? "," : "", name);
	buf_add_json(out, value);
}

static int add_jwk(struct buf *out, const char *name, const struct key *key, struct err *err)
{
	buf_printf(out, ",\"%s\":", name);
	return jws_jwk(key, out, err);
}

static void add_contacts(const struct acme_conf *acme, struct buf *out)
{
	buf_add_text(out, "\"contact\":[");
	for (size_t i = 0; i < acme->n_contact; i++) {
		char *mail AUTO_FREE = mem_printf("mailto:%s", acme->contact[i]);

		buf_add_text(out, i ? "," : "");
		buf_add_json(out, mail);
	}
	buf_add_char(out, ']');
}

/* RFC 8555, 7.3.4. */
static int add_binding(const struct signing *s, struct buf *out, struct err *err)
{
	const struct acme_conf *acme = s->at.acme;
	struct buf header AUTO_BUF = BUF_INIT, jwk AUTO_BUF = BUF_INIT;
	struct secret mac AUTO_SECRET = SECRET_INIT;

	if (!acme->eab_kid)
		return 0;
	if (secrets_read_base64(acme->eab_hmac_file, &mac, err) < 0 ||
		jws_jwk(s->account.key, &jwk, err) < 0)
		return err_add(err, "the external account of %s", s->at.ca->name);
	buf_add_char(&header, '{');
	add_member(&header, "alg", acme->eab_algorithm);
	add_member(&header, "kid", acme->eab_kid);
	add_member(&header, "url", s->url);
	buf_add_char(&header, '}');
	buf_add_text(out, ",\"externalAccountBinding\":");
	if (jws_mac(&mac, acme->eab_algorithm, header.data, jwk.data, out, err) < 0)
		return err_add(err, "the external account of %s, %s", s->at.ca->name,
			acme->eab_hmac_file);
	return 0;
}

static int new_account(struct signing *s, struct err *err)
{
	if (account_want_key(s->asked->server->store, &s->at, &s->account, err) < 0)
		return -1;
	s->key = s->account.key;
	buf_printf(&s->payload, "{\"termsOfServiceAgreed\":%s",
		s->at.acme->terms_agreed ? "true" : "false");
	if (s->at.acme->n_contact) {
		buf_add_char(&s->payload, ',');
		add_contacts(s->at.acme, &s->payload);
	}
	if (add_binding(s, &s->payload, err) < 0)
		return -1;
	buf_add_char(&s->payload, '}');
	return 0;
}

static int find_account(struct signing *s, struct err *err)
{
	const char *which = word_of(s->asked, "key");

	s->key = which && str_is(which, "candidate") ? s->account.candidate : s->account.key;
	if (!s->key)
		return err_set(err, ERR_NOT_FOUND, "there is no %s for the account at %s",
			which ? "candidate key" : "key", s->at.ca->name);
	buf_add_text(&s->payload, "{\"onlyReturnExisting\":true}");
	return 0;
}

static int update_account(struct signing *s, struct err *err)
{
	if (!s->account.url || !str_is(s->url, s->account.url))
		return err_set(err, ERR_NOT_ALLOWED, "%.150s is not our account", s->url);
	buf_add_char(&s->payload, '{');
	add_contacts(s->at.acme, &s->payload);
	buf_add_char(&s->payload, '}');
	return 0;
}

static bool is_address(const char *name)
{
	unsigned char ignored[16];

	return inet_pton(AF_INET, name, ignored) == 1 ||
	       inet_pton(AF_INET6, name, ignored) == 1;
}

/*
 * The certificate that the order replaces (RFC 9773, 5), when it came from this CA.  Saying so is a
 * courtesy: one that cannot be read hinders no order.
 */
static void add_replaced(struct signing *s)
{
	struct buf id AUTO_BUF = BUF_INIT;
	const struct ca_conf *ca;
	struct err ignored;

	if (s->at.is_test)
		return;
	if (serve_certid(s->asked, &id, &ca, &ignored) == 0 && ca == s->at.ca)
		add_member(&s->payload, "replaces", id.data);
}

static int new_order(struct signing *s, struct err *err)
{
	bool profile = false, replaces = false;
	const struct line *line = &s->asked->message.line;
	const struct cert_conf *cert = s->asked->cert;

	if (want_cert(s, err) < 0 || serve_check_ca(s->asked, s->at.ca, err) < 0 ||
		line_get_bool(line, "profile", &profile, err) < 0 ||
		line_get_bool(line, "replaces", &replaces, err) < 0)
		return -1;
	buf_add_text(&s->payload, "{\"identifiers\":[");
	for (size_t i = 0; i < cert->n_names; i++) {
		buf_add_text(&s->payload, i ? ",{" : "{");
		add_member(&s->payload, "type", is_address(cert->names[i]) ? "ip" : "dns");
		add_member(&s->payload, "value", cert->names[i]);
		buf_add_char(&s->payload, '}');
	}
	buf_add_char(&s->payload, ']');
	if (profile && s->at.acme->profile)
		add_member(&s->payload, "profile", s->at.acme->profile);
	if (replaces)
		add_replaced(s);
	buf_add_char(&s->payload, '}');
	return 0;
}

static int read_object(struct signing *s, struct err *err)
{
	(void)err;
	s->is_read = true;
	return 0;
}

static int answer(struct signing *s, struct err *err)
{
	(void)err;
	buf_add_text(&s->payload, "{}");
	return 0;
}

/* Servers differ in what they make of these. */
static bool is_odd(const char *url)
{
	const char *path = strstr(url, "://");

	return strpbrk(url, "%?;\\") || strstr(url, "/.") || (path && strstr(path + 3, "//"));
}

/*
 * The path down to its last slash, but for one that ends it.  Both URLs are of origins of one
 * CA, which may be two names of one server.
 */
static size_t folder_of(const char *url, const char **out)
{
	const char *authority = strstr(url, "://");
	size_t len;

	*out = authority ? authority + 3 : url;
	*out += strcspn(*out, "/");
	len = strlen(*out);
	if (len > 0 && (*out)[len - 1] == '/')
		len--;
	while (len > 0 && (*out)[len - 1] != '/')
		len--;
	return len;
}

/*
 * The same object for a server that forgives: with its port named, another case, a sign or
 * zeros in front of its number, which some read past.  So nothing that lies beside the account
 * is taken for another thing.
 */
static bool may_be_account(const char *url, const char *account)
{
	const char *a, *b;
	size_t len = folder_of(url, &a);

	return is_odd(url) || is_odd(account) ||
	       (len == folder_of(account, &b) && strncasecmp(a, b, len) == 0);
}

static int deactivate(struct signing *s, struct err *err)
{
	/* The same word given to the account's URL ends the account (RFC 8555, 7.3.6). */
	if (s->account.url && may_be_account(s->url, s->account.url))
		return err_set(err, ERR_NOT_ALLOWED,
			"%.150s may be our account, which is never given up", s->url);
	buf_add_text(&s->payload, "{\"status\":\"deactivated\"}");
	return 0;
}

static int finalize(struct signing *s, struct err *err)
{
	(void)err;
	buf_add_text(&s->payload, "{\"csr\":\"");
	jws_base64url(&s->payload, s->pending.csr_der.data, s->pending.csr_der.len);
	buf_add_text(&s->payload, "\"}");
	return 0;
}

/* RFC 8555, 7.3.5: signed by the new key, inside of what the old one signs. */
static int key_change(struct signing *s, struct err *err)
{
	struct buf header AUTO_BUF = BUF_INIT, inner AUTO_BUF = BUF_INIT;
	const struct key *new;

	if (account_want_candidate(s->asked->server->store, &s->at, &s->account, err) < 0)
		return -1;
	new = s->account.candidate;
	buf_add_char(&header, '{');
	add_member(&header, "alg", jws_algorithm(new));
	add_member(&header, "url", s->url);
	if (add_jwk(&header, "jwk", new, err) < 0)
		return -1;
	buf_add_char(&header, '}');
	buf_add_char(&inner, '{');
	add_member(&inner, "account", s->account.url);
	if (add_jwk(&inner, "oldKey", s->account.key, err) < 0)
		return -1;
	buf_add_char(&inner, '}');
	return jws_sign(new, header.data, inner.data, &s->payload, err);
}

static int (*const composers[SIGN_COUNT])(struct signing *s, struct err *err) = {
	[SIGN_NEW_ACCOUNT] = new_account,
	[SIGN_FIND_ACCOUNT] = find_account,
	[SIGN_UPDATE_ACCOUNT] = update_account,
	[SIGN_NEW_ORDER] = new_order,
	[SIGN_READ] = read_object,
	[SIGN_ANSWER] = answer,
	[SIGN_DEACTIVATE] = deactivate,
	[SIGN_FINALIZE] = finalize,
	[SIGN_KEY_CHANGE] = key_change,
	[SIGN_REVOKE] = signing_revoke,
};

static int sign(struct signing *s, struct buf *out, struct err *err)
{
	const struct key *key = s->key ? s->key : s->account.key;
	struct buf header AUTO_BUF = BUF_INIT;
	const char *algorithm = jws_algorithm(key);

	if (!algorithm)
		return err_set(err, ERR_BAD_KEY, "this key cannot sign for ACME");
	buf_add_char(&header, '{');
	add_member(&header, "alg", algorithm);
	add_member(&header, "nonce", s->nonce);
	add_member(&header, "url", s->url);
	if (!s->key)
		add_member(&header, "kid", s->account.url);
	else if (add_jwk(&header, "jwk", key, err) < 0)
		return -1;
	buf_add_char(&header, '}');
	return jws_sign(key, header.data, s->is_read ? NULL : buf_text(&s->payload), out, err);
}

/*
 * Without an account only a search for one or a registration is signed; a certificate's own key
 * needs none.
 */
int signing_check_account(const struct signing *s, struct err *err)
{
	const char *with = word_of(s->asked, "with");

	if (s->op == SIGN_NEW_ACCOUNT || s->op == SIGN_FIND_ACCOUNT ||
		(s->op == SIGN_REVOKE && with && str_is(with, "cert-key")) ||
		(s->account.key && s->account.url))
		return 0;
	return err_set(err, ERR_ACCOUNT_LOST, "no account at %s is known", s->at.ca->name);
}

void signing_finish(struct signing *s)
{
	struct buf rows AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	int result = 0;

	buf_add_char(&rows, '\n');
	if (signing_check_account(s, &err) < 0 || composers[s->op](s, &err) < 0 ||
		sign(s, &rows, &err) < 0)
		result = -1;
	else if (rows.len > KEEPER_MESSAGE_MAX - SERVE_PREFIX_MAX)
		result = err_set(&err, ERR_TOO_LARGE, "what is signed has %zu bytes", rows.len);
	if (result < 0)
		asked_fail(s->asked, &err);
	else
		asked_ok(s->asked, &rows);
}
