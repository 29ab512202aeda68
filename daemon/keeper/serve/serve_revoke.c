/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/keeper/serve/mark.h"
#include "daemon/keeper/serve/signing.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/crypt/cert.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/key.h"
#include "lib/crypt/secret.h"
#include "proto/revoke.h"

/*
 * Revocation (RFC 8555, 7.6): the message that is signed for it, and the note that it happened.
 *
 * An engine that was taken over must not be able to take a working certificate away.  So a
 * version in use is revoked only with root's mark (proto/revoke.h): the current version, and,
 * where the reason is that its key is compromised, any version with the same key, because a CA
 * then revokes all of them.
 */

static int need_version(const struct asked *asked, struct version_id *out, struct err *err)
{
	const char *version = line_need(&asked->message.line, "version", err);

	return version ? version_id_parse(version, out, err) : -1;
}

static int read_file(const struct asked *asked, const struct version_id *id, const char *file,
	struct buf *out, struct err *err)
{
	return store_read_file(
		asked->server->store, asked->cert->name, id, file, KEY_PEM_MAX, out, err);
}

static int take_cert_key(struct signing *s, const struct version_id *id, struct err *err)
{
	struct secret pem AUTO_SECRET = SECRET_INIT;
	struct buf text = BUF_INIT;
	int result = read_file(s->asked, id, "privkey.pem", &text, err);

	serve_hide(&text, &pem);
	if (result < 0 || key_read(pem.data, pem.len, &s->cert_key, err) < 0)
		return -1;
	s->key = s->cert_key;
	return 0;
}

static int check_allowed(const struct asked *asked, const struct version_id *id,
	const struct cert *cert, int64_t reason, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	uint8_t spki[SHA256_LEN];
	bool is_now = false, has_same_key;

	if (store_read(asked->server->store, asked->cert->name, &facts, err) < 0 ||
		line_get_bool(&asked->message.line, "now", &is_now, err) < 0)
		return -1;
	cert_spki_sha256(cert, spki);
	has_same_key = version_is_set(&facts.curr.id) &&
		       memcmp(spki, facts.curr.spki, sizeof(spki)) == 0;
	/* The keeper itself notes that, so no roll without a deploy makes a version look unused. */
	if (!version_id_equal(&facts.curr.id, id) && !facts_may_be_served(&facts, id) &&
		!(has_same_key && reason == REASON_KEY_COMPROMISE))
		return 0;
	if (!is_now)
		return err_set(err, ERR_NOT_ALLOWED,
			"the current version of %s, what a target of it has, or its key, is "
			"not revoked",
			asked->cert->name);
	return mark_check(asked->conf->socket, asked->cert->name, id, err);
}

int signing_revoke(struct signing *s, struct err *err)
{
	struct buf pem AUTO_BUF = BUF_INIT, der AUTO_BUF = BUF_INIT;
	const struct line *line = &s->asked->message.line;
	const char *with = line_get(line, "with");
	struct cert *cert AUTO_CERT = NULL;
	struct version_id id;
	int64_t reason = REASON_UNSPECIFIED;

	if (!line_need(line, "cert", err) || need_version(s->asked, &id, err) < 0 ||
		line_get_int(line, "reason", 0, 10, &reason, err) < 0 ||
		read_file(s->asked, &id, "cert.pem", &pem, err) < 0 ||
		cert_read(pem.data, pem.len, &cert, err) < 0)
		return -1;
	if (!reason_is_known(reason))
		return err_set(
			err, ERR_BAD_ARGUMENT, "reason %d is not for us to give", (int)reason);
	if (check_allowed(s->asked, &id, cert, reason, err) < 0)
		return -1;
	if (with && str_is(with, "cert-key") && take_cert_key(s, &id, err) < 0)
		return -1;
	cert_write_der(cert, &der);
	buf_add_text(&s->payload, "{\"certificate\":\"");
	jws_base64url(&s->payload, der.data, der.len);
	buf_add_char(&s->payload, '"');
	if (reason != REASON_UNSPECIFIED)
		buf_printf(&s->payload, ",\"reason\":%d", (int)reason);
	buf_add_char(&s->payload, '}');
	return 0;
}

static int write_revocation(struct store *store, struct cert_facts *facts,
	const struct revocation_facts *revocation, struct err *err)
{
	facts->revocation = *revocation;
	return store_write_facts(store, facts, err);
}

static int doom(const struct asked *asked, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct revocation_facts wish = { .asked = clock_now() };
	const struct line *line = &asked->message.line;
	struct buf pem AUTO_BUF = BUF_INIT;
	char before[VERSION_ID_TEXT_LEN];
	int64_t reason = REASON_UNSPECIFIED;
	bool is_done = false;

	if (need_version(asked, &wish.of, err) < 0 ||
		line_get_int(line, "reason", 0, 10, &reason, err) < 0 ||
		line_get_bool(line, "done", &is_done, err) < 0 ||
		store_read(asked->server->store, asked->cert->name, &facts, err) < 0)
		return -1;
	wish.reason = (uint32_t)reason;
	if (is_done)
		return version_id_equal(&facts.revocation.of, &wish.of)
			       ? write_revocation(asked->server->store, &facts,
					 &(struct revocation_facts){ .reason = 0 }, err)
			       : 0;
	if (!reason_is_known(reason))
		return err_set(
			err, ERR_BAD_ARGUMENT, "reason %d is not for us to give", (int)reason);
	if (version_is_set(&facts.revocation.of) &&
		!version_id_equal(&facts.revocation.of, &wish.of))
		return err_set(err, ERR_BUSY, "%s still has %s to be revoked",
			asked->cert->name, version_id_text(&facts.revocation.of, before));
	if (read_file(asked, &wish.of, "cert.pem", &pem, err) < 0)
		return -1;
	if (version_is_set(&facts.revocation.of))
		wish.asked = facts.revocation.asked;
	return write_revocation(asked->server->store, &facts, &wish, err);
}

void serve_doom_request(struct asked *asked)
{
	struct err err = ERR_INIT;

	if (doom(asked, &err) < 0)
		asked_fail(asked, &err);
	else
		asked_facts(asked);
}

/* A CA has revoked the version; for the current one that takes root's mark. */
static int note(const struct asked *asked, struct err *err)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct store *store = asked->server->store;
	struct version_id id;

	if (need_version(asked, &id, err) < 0 ||
		store_read(store, asked->cert->name, &facts, err) < 0)
		return -1;
	if (version_id_equal(&facts.curr.id, &id) && !instant_is_set(facts.curr.revoked) &&
		mark_check(asked->conf->socket, asked->cert->name, &id, err) < 0)
		return -1;
	if (store_set_revoked(store, asked->cert->name, &id, clock_now(), err) < 0)
		return -1;
	mark_remove(asked->conf->socket, asked->cert->name);
	if (!version_id_equal(&facts.revocation.of, &id))
		return 0;
	return write_revocation(store, &facts, &(struct revocation_facts){ .reason = 0 }, err);
}

void serve_revoked_request(struct asked *asked)
{
	struct err err = ERR_INIT;

	if (note(asked, &err) < 0)
		asked_fail(asked, &err);
	else
		asked_facts(asked);
}
