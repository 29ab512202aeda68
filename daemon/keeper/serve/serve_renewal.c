/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/serve/serve_private.h"

#include <string.h>

#include "daemon/conf/index.h"
#include "daemon/keeper/store/store.h"
#include "lib/base/clock.h"
#include "lib/crypt/cert.h"
#include "lib/wire/url.h"

/* Renewal information (RFC 9773): what to ask a CA for, and what it said. */

const struct ca_conf *serve_issuer(const struct conf *conf, const struct version_facts *version)
{
	for (size_t i = 0; i < conf->n_cas; i++)
		if (version->ca && facts_ca(conf_ca_at(conf, i)->name) == version->ca)
			return conf_ca_at(conf, i);
	return NULL;
}

int serve_certid(
	struct asked *asked, struct buf *out, const struct ca_conf **ca, struct err *err)
{
	struct store *store = asked->server->store;
	struct buf pem AUTO_BUF = BUF_INIT;
	struct cert *cert AUTO_CERT = NULL;
	struct cert_facts facts;

	if (store_read(store, asked->cert->name, &facts, err) < 0)
		return -1;
	*ca = serve_issuer(asked->conf, &facts.curr);
	facts_done(&facts);
	if (store_read_file(store, asked->cert->name, NULL, "cert.pem", CERT_MAX, &pem, err) <
			0 ||
		cert_read(pem.data, pem.len, &cert, err) < 0)
		return -1;
	return cert_renewal_id(cert, out, err);
}

void serve_certid_request(struct asked *asked)
{
	struct buf id AUTO_BUF = BUF_INIT, words AUTO_BUF = BUF_INIT;
	const struct ca_conf *ca;
	struct err err = ERR_INIT;

	if (serve_certid(asked, &id, &ca, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	line_add(&words, "certid", buf_text(&id));
	if (ca)
		line_add(&words, "ca", ca->name);
	asked_ok(asked, &words);
}

/*
 * Answers are asked for daily (RFC 9773, 4.3.2); an engine that was taken over must not end
 * that for ever.
 */
#define AGAIN_MOST DAYS(7)

/* Without a window only the time to ask again changes. */
static int read_window(const struct line *line, struct ari_facts *ari, struct err *err)
{
	struct ari_facts said = { .of = ari->of };
	const char *url = line_get(line, "url");

	if (line_get_instant(line, "again", &said.again, err) < 0 ||
		line_get_instant(line, "start", &said.start, err) < 0 ||
		line_get_instant(line, "end", &said.end, err) < 0 ||
		line_get_instant(line, "moment", &said.moment, err) < 0)
		return -1;
	if (!instant_is_set(said.again))
		return err_set(err, ERR_BAD_ARGUMENT, "again is missing");
	said.again = instant_min(said.again, instant_add(clock_now(), AGAIN_MOST));
	if (!line_get(line, "start")) {
		ari->again = said.again;
		return 0;
	}
	if (!instant_before(said.start, said.end) || !instant_is_set(said.moment))
		return err_set(err, ERR_BAD_ARGUMENT, "this is no window");
	if (url && strlen(url) > URL_MAX)
		return err_set(err, ERR_BAD_ARGUMENT, "the URL is too long");
	said.url = (char *)(uintptr_t)url;
	*ari = said;
	return 0;
}

static int keep_window(struct asked *asked, struct cert_facts *facts, struct err *err)
{
	const char *version = line_get(&asked->message.line, "version");
	struct ari_facts ari = facts->ari;
	struct version_id of = facts->curr.id;

	/* A roll may have come between the CA's answer and this. */
	if (version && version_id_parse(version, &of, err) < 0)
		return -1;
	if (!version_id_equal(&of, &facts->curr.id))
		return err_set(err, ERR_NO_SUCH_VERSION, "%s is not the current version of %s",
			version, asked->cert->name);
	if (!version_is_set(&facts->curr.id))
		return err_set(err, ERR_NO_SUCH_VERSION, "%s has no current version",
			asked->cert->name);
	if (!version_id_equal(&ari.of, &facts->curr.id))
		ari = (struct ari_facts){ .of = facts->curr.id };
	if (read_window(&asked->message.line, &ari, err) < 0)
		return -1;
	facts_set_ari(facts, &ari);
	return store_write_facts(asked->server->store, facts, err);
}

void serve_renewal_request(struct asked *asked)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct err err = ERR_INIT;

	if (store_read(asked->server->store, asked->cert->name, &facts, &err) < 0 ||
		keep_window(asked, &facts, &err) < 0)
		asked_fail(asked, &err);
	else
		asked_facts(asked);
}
