/* SPDX-License-Identifier: MIT */
#include "daemon/conf/schema.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/conf/index.h"
#include "lib/base/str.h"

/*
 * Digests of what can be tried and can fail: a target, an ACME CA, a zone, the issue of a
 * certificate. They are compared, by conf_differ() and with the digest that a failure was met
 * with, and are good for one version of this program: the fields may be hashed otherwise by the
 * next one.
 */

/* The parts that the digests of all certificates share. */
struct shared {
	uint64_t hooks;
	/* Ways to pass a challenge; that of DNS is without the zones of names. */
	uint64_t ways[CHALLENGE_COUNT];
};

/* Each part ends with a NUL; an absent one is no empty one. */
static void add(struct buf *text, const char *part)
{
	if (!part)
		part = "\1";
	buf_add(text, part, strlen(part) + 1);
}

static void add_number(struct buf *text, int64_t number)
{
	buf_printf(text, "%" PRId64, number);
	buf_add(text, "", 1);
}

static void add_texts(struct buf *text, const char *const *at, size_t n)
{
	add_number(text, (int64_t)n);
	for (size_t i = 0; i < n; i++)
		add(text, at[i]);
}

static void add_words(struct buf *text, const struct words *words)
{
	add_texts(text, (const char *const *)words->at, words->n);
}

static void add_endpoint(struct buf *text, const struct endpoint *at)
{
	add(text, at->host);
	add_number(text, at->port);
}

static void add_endpoints(struct buf *text, const struct endpoint *at, size_t n)
{
	add_number(text, (int64_t)n);
	for (size_t i = 0; i < n; i++)
		add_endpoint(text, &at[i]);
}

static uint64_t mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 33;
}

/* Never 0: that is no digest. */
static uint64_t finish(uint64_t h)
{
	return h ? h : 1;
}

/* Takes what is in the buffer. */
static uint64_t take(struct buf *text)
{
	uint64_t h = mix(0, str_hash(text->data, text->len));

	buf_clear(text);
	return finish(h);
}

static uint64_t of_target(struct loading *l, struct buf *text, const struct target_conf *target)
{
	add(text, target->dir);
	add_number(text, target->uid);
	add_number(text, target->gid);
	add_number(text, target->key_mode);
	add_number(text, target->include_next);
	add_number(text, target->layout);
	add_number(text, target->formats);
	add_words(text, &target->check);
	add_words(text, &target->after_copy);
	add(text, target->password_file);
	add_number(text, (int64_t)machine_stamp(l, target->password_file));
	for (size_t i = 0; i < target->n_reload; i++) {
		add(text, target->reload[i].unit);
		add_number(text, target->reload[i].action);
		add_words(text, &target->reload[i].command);
	}
	add(text, "after");
	for (size_t i = 0; i < target->n_after; i++)
		add(text, conf_target_at(l->conf, target->after[i])->name);
	return take(text);
}

uint64_t acme_conf_digest(const struct acme_conf *acme)
{
	struct buf buf AUTO_BUF = BUF_INIT, *text = &buf;

	add(text, acme->directory);
	add(text, acme->staging);
	add(text, acme->trust);
	add(text, acme->roots);
	add(text, acme->staging_roots);
	add_texts(text, acme->contact, acme->n_contact);
	add_number(text, acme->challenge);
	add(text, acme->profile);
	add_number(text, acme->profile_required);
	add(text, acme->chain);
	add(text, acme->eab_kid);
	add(text, acme->eab_hmac_file);
	add(text, acme->eab_algorithm);
	add_number(text, acme->in_flight);
	add_number(text, acme->limits);
	add_texts(text, acme->origins, acme->n_origins);
	add(text, acme->proxy);
	return take(text);
}

static void add_publish(struct loading *l, struct buf *text, const struct publish_conf *publish)
{
	add_number(text, publish->type);
	add(text, publish->acme_dir);
	add_words(text, &publish->tlsa_dirs);
	add_words(text, &publish->refresh);
	add_words(text, &publish->add);
	add_words(text, &publish->remove);
	add_endpoint(text, &publish->server);
	add(text, publish->tsig_name);
	add(text, publish->tsig_algorithm);
	add(text, publish->tsig_secret_file);
	add_number(text, (int64_t)machine_stamp(l, publish->tsig_secret_file));
}

uint64_t zone_conf_digest(struct loading *l, const struct zone_conf *zone)
{
	struct buf buf AUTO_BUF = BUF_INIT, *text = &buf;

	add(text, zone->name);
	add_endpoint(text, &zone->primary);
	add_endpoints(text, zone->nameservers.at, zone->nameservers.n);
	add_number(text, zone->has_nameservers);
	add_endpoints(text, zone->anycast.at, zone->anycast.n);
	add_number(text, zone->aliases);
	add_publish(l, text, &zone->publish);
	return take(text);
}

/* A zone without names of certificates is one that aliases may lead to, of any of them. */
static uint64_t of_dns(struct buf *text, const struct dns_conf *dns)
{
	add_endpoints(text, dns->resolver.at, dns->resolver.n);
	add_endpoints(text, dns->extra.at, dns->extra.n);
	add_number(text, dns->extra_required);
	add_number(text, dns->check_delay.s);
	add_number(text, dns->deadline.s);
	add_number(text, dns->challenge_ttl.s);
	for (size_t i = 0; i < dns->n_zones; i++)
		if (!dns->zones[i].has_names)
			add_number(text, (int64_t)dns->zones[i].digest);
	return take(text);
}

static void share(struct shared *shared, struct buf *text, const struct conf *conf)
{
	uint64_t dns = of_dns(text, &conf->dns);

	for (size_t i = 0; i < HOOK_COUNT; i++)
		add_words(text, &conf->hooks[i]);
	shared->hooks = take(text);
	for (size_t i = 0; i < CHALLENGE_COUNT; i++)
		shared->ways[i] = dns;
	add(text, conf->http.webroot);
	add_endpoints(text, conf->http.listen, conf->http.n_listen);
	add_number(text, conf->http.hold_always);
	shared->ways[CHALLENGE_HTTP] = take(text);
	add_endpoints(text, conf->tls_alpn.listen, conf->tls_alpn.n_listen);
	shared->ways[CHALLENGE_TLS_ALPN] = take(text);
}

/* A new EAB key is no other CA: its stamp is not in acme_conf.digest, and ends no limit. */
static uint64_t of_acme(
	struct loading *l, const struct acme_conf *acme, const struct shared *shared)
{
	return finish(mix(mix(acme->digest, machine_stamp(l, acme->eab_hmac_file)),
		shared->ways[acme->challenge]));
}

static uint64_t of_ca(struct loading *l, struct buf *text, const struct ca_conf *ca,
	const struct shared *shared)
{
	if (ca->type == CA_ACME)
		return of_acme(l, ca->acme, shared);
	add_number(text, ca->lifetime.s);
	add(text, ca->digest);
	add(text, conf_cert_at(l->conf, ca->issuer)->name);
	return take(text);
}

/* The zones of the names, where a challenge is passed there. */
static uint64_t of_zones(const struct conf *conf, const struct cert_conf *cert)
{
	uint64_t h = 0;

	for (size_t i = 0; i < cert->n_names; i++) {
		const struct zone_conf *zone = conf_zone(conf, cert->names[i]);

		if (zone)
			h = mix(h, zone->digest);
	}
	return h;
}

/* Names, subject, key, the names of the CAs and purposes are in the certificate's own digest. */
static uint64_t of_issue(
	const struct conf *conf, const struct cert_conf *cert, const struct shared *shared)
{
	uint64_t cas = cert->digest, all = mix((uint64_t)cert->lifetime.s, shared->hooks);
	bool needs_dns = false;

	for (size_t i = 0; i < cert->n_cas; i++) {
		const struct ca_conf *ca = cert_conf_nth_ca(conf, cert, i);

		if (!ca)
			continue;
		cas = mix(cas, ca->type == CA_ACME ? ca->acme->digest : ca->issue_digest);
		all = mix(all, ca->issue_digest);
		needs_dns |= ca->type == CA_ACME && challenge_is_dns(ca->acme->challenge);
	}
	all = mix(mix(all, cert->reuse_key), cas);
	if (needs_dns)
		all = mix(all, of_zones(conf, cert));
	return finish((cas & ~UINT64_C(0xffffffff)) | (all & 0xffffffff));
}

void conf_add_digests(struct loading *l)
{
	struct buf text AUTO_BUF = BUF_INIT;
	struct conf *conf = l->conf;
	struct shared shared;

	for (size_t i = 0; i < conf->n_targets; i++)
		conf->targets[i].deploy_digest = of_target(l, &text, &conf->targets[i]);
	share(&shared, &text, conf);
	for (size_t i = 0; i < conf->n_cas; i++)
		conf->cas[i].issue_digest = of_ca(l, &text, &conf->cas[i], &shared);
	for (size_t i = 0; i < conf->n_certs; i++)
		conf->certs[i].issue_digest = of_issue(conf, &conf->certs[i], &shared);
}
