/* SPDX-License-Identifier: MIT */
/* Checks of ACME CAs, their challenges, and zones that need more than one value. */
#include "daemon/conf/index.h"
#include "daemon/conf/schema.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/crypt/key.h"
#include "lib/wire/name.h"

/*
 * States: a checking lives for one pass over all certificates and owns `is_used` and `told`.
 * The certificate under check and its path change with each; `told` keeps what was said
 * already, so that each fault is told once.
 */
struct checking {
	struct loading *l;
	const struct cert_source *source;
	const struct cert_conf *cert;
	struct yaml_path groups, group, path;
	char group_name[256];
	bool *is_used; /* by place in conf->cas: some certificate names it */
	struct map told;
};

static void check_challenge(struct loading *l, const struct conf_entry *entry,
	const struct yaml_path *up, enum challenge challenge)
{
	struct yaml_path path = { .up = up, .key = "challenge" };
	struct yaml_place place = conf_place_in(entry->value, "challenge", entry->key->place);
	const struct conf *conf = l->conf;

	if (challenge == CHALLENGE_HTTP && !conf->http.n_listen && !conf->http.webroot)
		yaml_error(l->diags, place, &path,
			"http-01 needs somebody who answers: give http.listen (the built-in "
			"responder) or http.webroot (a web server's folder)");
	if (challenge == CHALLENGE_TLS_ALPN && !conf->tls_alpn.n_listen)
		yaml_error(l->diags, place, &path,
			"tls-alpn-01 needs somebody who answers: give tls_alpn.listen");
}

static void check_ca(struct checking *c, size_t i)
{
	struct loading *l = c->l;
	const struct conf_entry *entry = &l->cas.at[i];
	struct yaml_path cas = { .key = "cas" }, path = { .up = &cas, .key = entry->name };
	struct yaml_path staging = { .up = &path, .key = "staging" };
	struct yaml_path required = { .up = &path, .key = "profile_required" };
	const struct acme_conf *acme = l->conf->cas[i].acme;

	if (!acme)
		return;
	if (acme->profile_required && !acme->profile)
		yaml_error(l->diags,
			conf_place_in(entry->value, "profile_required", entry->key->place),
			&required, "is true, but there is no profile");
	if (acme->staging && acme->directory && str_is(acme->staging, acme->directory))
		yaml_warn(l->diags, conf_place_in(entry->value, "staging", entry->key->place),
			&staging,
			"is the directory itself, so tests cost what real orders cost");
	if (c->is_used[i])
		check_challenge(l, entry, &path, acme->challenge);
}

/* Where the n-th name of the certificate stands. */
static struct yaml_place name_place(
	const struct checking *c, uint16_t n, struct yaml_path *names, struct yaml_path *path)
{
	const struct yaml_node *own = yaml_get(c->source->value, "names");

	*names = (struct yaml_path){ .up = &c->path, .key = "names" };
	if (own && own->kind == NODE_LIST && own->n == c->cert->n_names) {
		*path = (struct yaml_path){ .up = names, .index = n };
		return own->items[n].place;
	}
	*path = *names;
	return own ? own->place : c->source->key->place;
}

/* The zone of the challenge's record, which may be one of its own. */
static const struct zone_conf *challenge_zone(const struct conf *conf, const char *name)
{
	char owner[sizeof("_acme-challenge.") + NAME_MAX_LEN];

	snprintf(owner, sizeof(owner), "_acme-challenge.%s",
		name_is_wildcard(name) ? name + strlen("*.") : name);
	return conf_zone(conf, owner);
}

/* Why this name cannot pass the challenge, with what to do; NULL when it can. */
static const char *name_fault(const char *name, enum challenge how)
{
	if (name_is_ip(name))
		return challenge_is_dns(how)
			       ? "is an address, which is proved by http-01 or tls-alpn-01 only"
			       : NULL;
	if (!challenge_is_dns(how))
		return name_is_wildcard(name) ? "is a wildcard, which is proved in DNS only "
						"(dns-01)"
					      : NULL;
	return NULL;
}

static bool can_publish(const struct zone_conf *zone)
{
	return zone->publish.type == PUBLISH_INCLUDE ? zone->publish.acme_dir != NULL
						     : zone->publish.type != PUBLISH_NONE;
}

/* The reason why the challenge of this name cannot be published where it lies, or NULL. */
static const char *zone_fault(const struct conf *conf, const char *name)
{
	const struct zone_conf *zone = challenge_zone(conf, name);

	if (!zone)
		return "lies in no zone of dns.zones";
	if (can_publish(zone))
		return NULL;
	return zone->publish.type == PUBLISH_NONE ? "lies in a zone without publish"
						  : "lies in a zone without publish.acme_dir";
}

/* Aliases may lead from any zone into one that is called by its name. */
static bool can_be_delegated(const struct conf *conf)
{
	for (size_t i = 0; i < conf->dns.n_zones; i++)
		if (can_publish(&conf->dns.zones[i]) &&
			conf->dns.zones[i].aliases != ALIASES_NONE)
			return true;
	return false;
}

static void tell_zone(struct checking *c, const struct ca_conf *ca, const char *name,
	const char *fault, struct yaml_place place, const struct yaml_path *path)
{
	const char *word = challenge_text(ca->acme->challenge);

	if (can_be_delegated(c->l->conf))
		yaml_warn(c->l->diags, place, path,
			"%s %s, so _acme-challenge.%s has to be an alias (CNAME) into one "
			"that has publish; the CA %s has challenge: %s",
			name, fault, name_is_wildcard(name) ? name + strlen("*.") : name,
			ca->name, word);
	else
		yaml_error(c->l->diags, place, path,
			"%s %s, so nobody can publish its challenge; the CA %s has challenge: "
			"%s",
			name, fault, ca->name, word);
}

static void check_names(struct checking *c, const struct ca_conf *ca)
{
	for (uint16_t i = 0; i < c->cert->n_names; i++) {
		const char *name = c->cert->names[i];
		enum challenge how = ca->acme->challenge;
		const char *fault = name_fault(name, how), *zone = NULL;
		struct yaml_path names, path;
		struct yaml_place place;

		/* Records that stay are the operator's, wherever they are. */
		if (!fault && challenge_is_dns(how) && how != CHALLENGE_DNS_PERSIST)
			zone = zone_fault(c->l->conf, name);
		if (!fault && !zone)
			continue;
		place = name_place(c, i, &names, &path);
		if (zone)
			tell_zone(c, ca, name, zone, place, &path);
		else
			yaml_error(c->l->diags, place, &path,
				"%s %s; the CA %s has challenge: %s", name, fault, ca->name,
				challenge_text(how));
	}
}

/* The fault of a key type, or NULL. */
static const char *key_fault(const char *key)
{
	static const char *const fine[] = { "ec:secp256r1", "ec:secp384r1", "rsa:2048",
		"rsa:3072", "rsa:4096" };

	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		if (key_spec_equal(fine[i], key))
			return NULL;
	if (str_starts(key, "rsa:"))
		return "is a size that many ACME CAs refuse; rsa:2048, rsa:3072 and rsa:4096 "
		       "are taken by all";
	return "is a type that many ACME CAs refuse; ec:secp256r1 and ec:secp384r1 are taken "
	       "by all";
}

/* True once for each text. */
static bool is_first(struct checking *c, const char *text)
{
	if (map_get(&c->told, text))
		return false;
	map_set(&c->told, arena_strdup(&c->l->arena, text), c);
	return true;
}

static void check_key(struct checking *c, const struct ca_conf *ca)
{
	struct yaml_path path = { .up = &c->path, .key = "key" };
	struct yaml_path top = { .key = "defaults" };
	const struct yaml_node *own = yaml_get(c->source->value, "key");
	const char *fault = key_fault(c->cert->key);
	struct yaml_place place;

	if (!fault)
		return;
	if (!own)
		path.up = &top;
	place = own ? own->place
		    : conf_place_in(c->l->top.defaults, "key", c->source->key->place);
	/* A fault of `defaults` is told once. */
	if (own || is_first(c, c->cert->key))
		yaml_warn(c->l->diags, place, &path, "%s %s (CA %s)", c->cert->key, fault,
			ca->name);
}

static bool all_are_acme(const struct checking *c)
{
	for (uint16_t i = 0; i < c->cert->n_cas; i++)
		if (!cert_conf_nth_acme(c->l->conf, c->cert, i))
			return false;
	return true;
}

/* Wishes that an ACME order cannot carry. */
static void check_wishes(struct checking *c)
{
	struct yaml_path lifetime = { .up = &c->path, .key = "lifetime" };
	struct yaml_path eku = { .up = &c->path, .key = "eku" };
	const struct yaml_node *value = c->source->value;

	if (!all_are_acme(c))
		return;
	if (yaml_get(value, "lifetime"))
		yaml_warn(c->l->diags, yaml_get(value, "lifetime")->place, &lifetime,
			"has no effect: an ACME CA gives what its profile says");
	if (yaml_get(value, "eku"))
		yaml_warn(c->l->diags, yaml_get(value, "eku")->place, &eku,
			"has no effect: an ACME CA gives what its profile says");
}

static void check_with(struct checking *c, const struct ca_conf *ca)
{
	struct yaml_path path = { .up = &c->path, .key = "ca" };

	if (c->cert->is_ca) {
		yaml_error(c->l->diags,
			conf_place_in(c->source->value, "ca", c->source->key->place), &path,
			"%s is an ACME CA, which signs no CA certificate; in group ca use self "
			"or a local CA",
			ca->name);
		return;
	}
	check_names(c, ca);
	check_key(c, ca);
}

static void check_cert(struct checking *c, size_t i)
{
	const struct conf *conf = c->l->conf;
	bool has_acme = false;

	c->source = &c->l->sources[i];
	c->cert = &conf->certs[i];
	cert_conf_group(c->cert, c->group_name);
	c->groups = (struct yaml_path){ .key = "groups" };
	c->group = (struct yaml_path){ .up = &c->groups, .key = c->group_name };
	c->path = (struct yaml_path){ .up = &c->group, .key = c->cert->service };
	for (uint16_t k = 0; k < c->cert->n_cas; k++) {
		const struct ca_conf *ca = cert_conf_nth_acme(conf, c->cert, k);

		if (!ca)
			continue;
		c->is_used[ca - conf->cas] = has_acme = true;
		check_with(c, ca);
	}
	if (has_acme)
		check_wishes(c);
}

/* Whom the zone of a challenge asks whether it is seen. */
static void check_asked(struct loading *l, const struct zone_conf *zone)
{
	struct yaml_path top = { .key = "dns" }, up = { .up = &top, .key = "zones" };
	struct yaml_path name = { .up = &up, .key = zone->name ? zone->name : "default" };
	struct yaml_path path = { .up = &name, .key = "nameservers" };

	if (zone->has_nameservers && !zone->nameservers.n && !l->conf->dns.extra.n &&
		can_publish(zone))
		yaml_warn(l->diags, zone->place, &path,
			"is empty like dns.extra_nameservers, so no name server is asked "
			"whether a challenge is seen");
}

static void check_update(struct loading *l, const struct zone_conf *zone)
{
	struct yaml_path top = { .key = "dns" }, up = { .up = &top, .key = "zones" };
	struct yaml_path name = { .up = &up, .key = zone->name ? zone->name : "default" };
	struct yaml_path path = { .up = &name, .key = "publish" };

	if (zone->publish.type == PUBLISH_UPDATE && !zone->publish.tsig_name)
		yaml_warn(l->diags, zone->place, &path,
			"has no tsig, so whoever forges an answer of the name server is "
			"believed; give tsig");
}

/* A fault of the entry `default` is told there, and not again where it is taken over. */
static void check_zones(struct loading *l)
{
	const struct dns_conf *dns = &l->conf->dns;
	const struct zone_conf *base = dns->fallback;

	if (base) {
		check_asked(l, base);
		check_update(l, base);
	}
	for (size_t i = 0; i < dns->n_zones; i++) {
		const struct zone_conf *zone = &dns->zones[i];

		if (!base || !base->has_nameservers || base->nameservers.n ||
			!can_publish(base))
			check_asked(l, zone);
		if (!base || base->publish.type != PUBLISH_UPDATE || base->publish.tsig_name)
			check_update(l, zone);
	}
}

/* A look and a second one after it take so long, unless all of the deadline is short. */
static bool leaves_no_time(const struct dns_conf *dns)
{
	int64_t left_s = dns->deadline.s - dns->check_delay.s;

	return left_s < 60 && left_s < dns->check_delay.s;
}

static void check_dns(struct loading *l)
{
	const struct dns_conf *dns = &l->conf->dns;
	struct yaml_path top = { .key = "dns" };
	struct yaml_path delay = { .up = &top, .key = "check_delay" };
	struct yaml_path resolver = { .up = &top, .key = "resolver" };
	char text[DURATION_TEXT_LEN], left[DURATION_TEXT_LEN];

	if (dns->check_delay.s >= dns->deadline.s && l->dns_node)
		yaml_error(l->diags,
			conf_place_in(l->dns_node, "check_delay", l->dns_node->place), &delay,
			"does not end before the deadline (%s)",
			duration_brief(dns->deadline, text));
	else if (leaves_no_time(dns) && l->dns_node)
		yaml_warn(l->diags,
			conf_place_in(l->dns_node, "check_delay", l->dns_node->place), &delay,
			"leaves only %s of the deadline (%s) to look",
			duration_brief(SECONDS(dns->deadline.s - dns->check_delay.s), left),
			duration_brief(dns->deadline, text));
	if (dns->resolver.at && !dns->resolver.n)
		yaml_error(l->diags, conf_place_in(l->dns_node, "resolver", l->dns_node->place),
			&resolver, "is empty; leave the key out to ask the system's resolvers");
	check_zones(l);
}

void check_acme(struct loading *l)
{
	struct checking c = { .l = l };

	c.is_used = arena_zalloc(&l->arena, l->conf->n_cas + 1);
	for (size_t i = 0; i < l->conf->n_certs; i++)
		check_cert(&c, i);
	for (size_t i = 0; i < l->conf->n_cas; i++)
		check_ca(&c, i);
	check_dns(l);
	map_done(&c.told);
}
