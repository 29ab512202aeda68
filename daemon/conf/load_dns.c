/* SPDX-License-Identifier: MIT */
/* The sections `http`, `tls_alpn` and `dns`. */
#include "daemon/conf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

#define ZONES_MAX 100000

static struct zone_conf zone_of(
	const struct zone_draft *draft, const char *name, struct yaml_place place)
{
	const struct publish_draft *publish = &draft->publish;
	const struct tsig_draft *tsig = &publish->tsig;

	return (struct zone_conf){
		.name = name,
		.place = place,
		.primary = draft->primary,
		.nameservers = draft->nameservers,
		.has_nameservers = draft->nameservers.at != NULL,
		.anycast = draft->anycast,
		.aliases = draft->aliases,
		.publish = {
			.type = publish->type,
			.acme_dir = publish->acme_dir,
			.tlsa_dirs = publish->tlsa_dirs,
			.refresh = publish->refresh,
			.add = publish->add,
			.remove = publish->remove,
			.server = publish->server,
			.tsig_name = tsig->name,
			.tsig_algorithm = tsig->name ? tsig->algorithm : NULL,
			.tsig_secret_file = tsig->secret_file,
			.places = publish->places,
		},
	};
}

/* The canonical apex, in the configuration's arena; NULL after telling. */
static const char *apex_of(
	struct loading *l, const struct yaml_node *key, const struct yaml_path *path)
{
	/* A zone delegated for challenges alone has a label that no host has. */
	const char *prefix =
		str_starts(key->text, "_acme-challenge.") ? "_acme-challenge." : "";
	char name[NAME_MAX_LEN];
	struct err err = ERR_INIT;

	if (name_canonical(key->text + strlen(prefix), name, &err) < 0)
		yaml_error(l->diags, key->place, path, "a zone is called by its domain: %s",
			err.text);
	else if (name_is_ip(name) || name_is_wildcard(name))
		yaml_error(l->diags, key->place, path, "a zone is called by its domain");
	else
		return arena_printf(&l->conf->arena, "%s%s", prefix, name);
	return NULL;
}

static struct yaml_decoder decoder_of(struct loading *l)
{
	return (struct yaml_decoder){ .diags = l->diags, .arena = &l->conf->arena, .world = l };
}

static void load_default(struct loading *l, const struct yaml_path *up, struct zone_draft *base)
{
	const struct yaml_node *zones = l->top.dns.zones;
	struct yaml_path path = { .up = up, .key = "default" };
	struct yaml_decoder d = decoder_of(l);
	struct zone_conf *zone;

	for (uint32_t i = 0; i < zones->n; i++) {
		const struct yaml_node *key = &zones->items[2 * i];

		if (!str_is(key->text, "default"))
			continue;
		yaml_decode(&d, key + 1, &path, conf_zone_fields, base);
		zone = arena_new(&l->conf->arena, struct zone_conf);
		*zone = zone_of(base, NULL, key->place);
		zone->digest = zone_conf_digest(l, zone);
		l->conf->dns.fallback = zone;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct zone_conf *)a)->name, ((const struct zone_conf *)b)->name);
}

static void index_zones(struct loading *l, const struct yaml_path *up)
{
	struct dns_conf *dns = &l->conf->dns;

	if (dns->n_zones > 1)
		qsort(dns->zones, dns->n_zones, sizeof(*dns->zones), by_name);
	for (size_t i = 1; i < dns->n_zones; i++) {
		struct yaml_path path = { .up = up, .key = dns->zones[i].name };

		if (str_is(dns->zones[i - 1].name, dns->zones[i].name))
			yaml_error(l->diags, dns->zones[i].place, &path,
				"is given twice, in two spellings");
	}
}

static void load_zones(struct loading *l)
{
	const struct yaml_node *zones = l->top.dns.zones;
	struct yaml_path top = { .key = "dns" }, up = { .up = &top, .key = "zones" };
	struct yaml_decoder d = decoder_of(l);
	struct zone_draft base = { .publish = { .type = PUBLISH_NONE } };
	struct dns_conf *dns = &l->conf->dns;

	if (!zones)
		return;
	if (zones->n > ZONES_MAX) {
		yaml_error(l->diags, zones->place, &up, "has %u entries; the most is %d",
			zones->n, ZONES_MAX);
		return;
	}
	yaml_decode_fallbacks(&d, conf_zone_fields, &base);
	load_default(l, &up, &base);
	dns->zones = arena_zalloc(&l->conf->arena, (zones->n + 1) * sizeof(*dns->zones));
	for (uint32_t i = 0; i < zones->n; i++) {
		const struct yaml_node *key = &zones->items[2 * i];
		struct yaml_path path = { .up = &up, .key = key->text };
		struct zone_draft draft = base;
		const char *name;

		if (str_is(key->text, "default"))
			continue;
		name = apex_of(l, key, &path);
		yaml_decode(&d, key + 1, &path, conf_zone_fields, &draft);
		if (name) {
			struct zone_conf *zone = &dns->zones[dns->n_zones++];

			*zone = zone_of(&draft, name, key->place);
			zone->digest = zone_conf_digest(l, zone);
		}
	}
	index_zones(l, &up);
}

void dns_note_names(struct conf *conf)
{
	struct dns_conf *dns = &conf->dns;

	for (size_t i = 0; dns->n_zones > 0 && i < conf->n_certs; i++) {
		const struct cert_conf *cert = &conf->certs[i];

		for (uint16_t k = 0; k < cert->n_names; k++) {
			const struct zone_conf *zone = conf_zone(conf, cert->names[k]);

			if (zone && zone->name)
				dns->zones[zone - dns->zones].has_names = true;
		}
	}
}

void dns_load(struct loading *l)
{
	const struct top_draft *top = &l->top;
	struct conf *conf = l->conf;

	conf->http.listen = top->http.listen.at;
	conf->http.n_listen = top->http.listen.n;
	conf->http.hold_always = top->http.hold_always;
	conf->http.webroot = top->http.webroot;
	if (top->http.webroot)
		conf->http.webroot_place = yaml_get(l->http_node, "webroot")->place;
	conf->tls_alpn.listen = top->tls_alpn.listen.at;
	conf->tls_alpn.n_listen = top->tls_alpn.listen.n;
	conf->dns.resolver = top->dns.resolver;
	conf->dns.extra = top->dns.extra_nameservers;
	conf->dns.extra_required = top->dns.extra_required;
	conf->dns.check_delay = top->dns.check_delay;
	conf->dns.deadline = top->dns.deadline;
	conf->dns.challenge_ttl = top->dns.challenge_ttl;
	load_zones(l);
}
