/* SPDX-License-Identifier: MIT */
/* The section `cas`. */
#include "daemon/conf/schema.h"

#include "lib/base/str.h"
#include "lib/wire/url.h"

static void load_local(struct ca_conf *ca, const struct ca_draft *draft)
{
	ca->lifetime = draft->lifetime;
	ca->digest = draft->digest;
}

/* The production directory of Let's Encrypt; that of its staging has other limits. */
static enum limits limits_of(const struct ca_draft *draft)
{
	char host[256];

	if (draft->limits >= 0)
		return (enum limits)draft->limits;
	return draft->directory && str_is(url_host(draft->directory, host),
					   "acme-v02.api.letsencrypt.org")
		       ? LIMITS_LETSENCRYPT
		       : LIMITS_NONE;
}

static void load_acme(struct loading *l, const struct conf_entry *entry,
	const struct yaml_path *path, struct ca_conf *ca, const struct ca_draft *draft)
{
	struct acme_conf *acme = arena_new(&l->conf->arena, struct acme_conf);

	if (entry->value->kind == NODE_MAP && !yaml_get(entry->value, "terms_agreed"))
		yaml_error(l->diags, entry->value->place, path,
			"needs terms_agreed: true; read the CA's terms of service first");
	*acme = (struct acme_conf){
		.directory = draft->directory,
		.staging = draft->staging,
		.trust = draft->trust,
		.roots = draft->roots,
		.staging_roots = draft->staging_roots,
		.contact = (const char *const *)draft->contact.at,
		.n_contact = draft->contact.n,
		.terms_agreed = draft->terms_agreed,
		.challenge = draft->challenge,
		.profile = draft->profile,
		.profile_required = draft->profile_required,
		.chain = draft->chain,
		.eab_kid = draft->eab.kid,
		.eab_hmac_file = draft->eab.hmac_file,
		.eab_hmac_place = conf_place_in(
			yaml_get(entry->value, "eab"), "hmac_file", entry->key->place),
		.eab_algorithm = draft->eab.algorithm,
		.in_flight = draft->in_flight,
		.origins = (const char *const *)draft->origins.at,
		.n_origins = draft->origins.n,
		.proxy = draft->proxy,
		.limits = limits_of(draft),
	};
	acme->digest = acme_conf_digest(acme);
	ca->acme = acme;
}

/* The other keys of a CA of an unknown type would only be wrong too; one sentence will do. */
static void decode_type_only(struct yaml_decoder *d, const struct yaml_node *type,
	const struct yaml_path *up, int *out)
{
	struct yaml_path path = { .up = up, .key = "type" };
	struct yaml_value v = { .node = type, .path = &path };

	conf_ca_type.decode(d, &v, out);
}

static void load_ca(struct loading *l, size_t i, const struct yaml_path *up)
{
	struct yaml_decoder d = { .diags = l->diags, .arena = &l->conf->arena, .world = l };
	const struct conf_entry *entry = &l->cas.at[i];
	const struct yaml_node *type = yaml_get(entry->value, "type");
	struct yaml_path path = { .up = up, .key = entry->name };
	struct ca_draft *draft = &l->ca_drafts[i];
	struct ca_conf *ca = &l->conf->cas[i];

	if (str_is(entry->name, "self"))
		yaml_error(l->diags, entry->key->place, &path,
			"self is taken: it means that a certificate signs itself");
	draft->type = -1;
	if (type && type->kind == NODE_SCALAR && !str_is(type->text, "local") &&
		!str_is(type->text, "acme"))
		decode_type_only(&d, type, &path, &draft->type);
	else
		yaml_decode(&d, entry->value, &path, conf_ca_fields, draft);
	*ca = (struct ca_conf){ .name = arena_strdup(&l->conf->arena, entry->name),
		.place = entry->key->place,
		.type = draft->type == CA_ACME ? CA_ACME : CA_LOCAL,
		.issuer = CA_NO_ISSUER };
	if (ca->type == CA_ACME)
		load_acme(l, entry, &path, ca, draft);
	else
		load_local(ca, draft);
}

void cas_load(struct loading *l)
{
	struct yaml_path path = { .key = "cas" };
	struct yaml_decoder d = { .diags = l->diags, .arena = &l->conf->arena, .world = l };
	struct conf *conf = l->conf;
	struct ca_draft base = { .limits = -1 };

	yaml_decode_fallbacks(&d, conf_ca_fields, &base);
	l->cas = conf_entries_of(l, l->top.cas, &path);
	l->ca_names = conf_entries_index(l, &l->cas, &l->ca_by_name);
	l->ca_drafts = arena_zalloc(&l->arena, (l->cas.n + 1) * sizeof(*l->ca_drafts));
	conf->cas = arena_zalloc(&conf->arena, (l->cas.n + 1) * sizeof(*conf->cas));
	conf->n_cas = l->cas.n;
	for (size_t i = 0; i < l->cas.n; i++) {
		l->ca_drafts[i] = base;
		load_ca(l, i, &path);
	}
}
