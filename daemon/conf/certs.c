/* SPDX-License-Identifier: MIT */
/*
 * Certificates out of their drafts: compact, with everything that equal ones share behind shared
 * pointers.  A configuration of 100,000 certificates has few renewal curves, subjects, key types
 * and lists of targets, so each distinct one exists once.
 */
#include "daemon/conf/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/wire/name.h"

/*
 * States: a pool lives while one configuration is loaded.  It finds shared parts by their
 * content as text; the one copy of each is in the configuration's arena, the pool owns the map
 * only.  `group` and `is_ca` change with each group that is decoded.
 */
struct pool {
	struct loading *l;
	struct map map;
	struct buf text; /* scratch */
	struct cert_conf defaults;
	const char *group; /* canonical, of the certificates that are decoded now */
	bool is_ca;
};

/* The copy with this content (a letter for the kind, then bytes), or NULL: then call pool_add(). */
static void *pool_find(struct pool *p, char kind, const void *data, size_t len)
{
	buf_clear(&p->text);
	buf_add_char(&p->text, kind);
	buf_add_hex(&p->text, data, len);
	return map_get(&p->map, buf_text(&p->text));
}

static void pool_add(struct pool *p, void *copy)
{
	map_set(&p->map, arena_strdup(&p->l->arena, buf_text(&p->text)), copy);
}

static void *share(struct pool *p, char kind, const void *data, size_t len)
{
	void *copy = pool_find(p, kind, data, len);

	if (!copy) {
		copy = arena_zalloc(&p->l->conf->arena, len);
		memcpy(copy, data, len);
		pool_add(p, copy);
	}
	return copy;
}

static const char *share_text(struct pool *p, const char *text)
{
	return share(p, 't', text, strlen(text) + 1);
}

static const struct renew_conf *share_renew(struct pool *p, const struct renew_conf *draft)
{
	struct renew_conf renew = *draft;

	renew.curve = share(p, 'c', draft->curve, draft->n_curve * sizeof(*draft->curve));
	/* Padding would make equal ones differ. */
	struct {
		struct curve_point *curve;
		size_t n;
		int64_t spread, ari;
	} content = { renew.curve, renew.n_curve, renew.spread.s, renew.ari };
	struct renew_conf *copy = pool_find(p, 'r', &content, sizeof(content));

	if (!copy) {
		copy = arena_new(&p->l->conf->arena, struct renew_conf);
		*copy = renew;
		pool_add(p, copy);
	}
	return copy;
}

static const struct roll_conf *share_roll(struct pool *p, const struct roll_conf *draft)
{
	struct roll_conf *copy;
	struct buf content AUTO_BUF = BUF_INIT;

	buf_printf(&content, "%lld", (long long)draft->min_age.s);
	for (size_t i = 0; i < draft->n_windows; i++)
		buf_printf(&content, " %d %d %d", draft->windows[i].days,
			draft->windows[i].from, draft->windows[i].to);
	copy = pool_find(p, 'o', content.data, content.len);
	if (!copy) {
		size_t len = draft->n_windows * sizeof(*draft->windows);

		copy = arena_new(&p->l->conf->arena, struct roll_conf);
		*copy = *draft;
		copy->windows = len ? arena_zalloc(&p->l->conf->arena, len) : NULL;
		if (len)
			memcpy(copy->windows, draft->windows, len);
		pool_add(p, copy);
	}
	return copy;
}

/* `cn`, when not NULL, becomes the first attribute. */
static void set_subject(struct pool *p, struct cert_conf *cert,
	const struct subject_list *draft, const char *cn)
{
	struct buf content AUTO_BUF = BUF_INIT;
	struct arena *arena = &p->l->conf->arena;
	struct subject_field *copy;
	size_t n = draft->n + (cn != NULL), at = 0;

	cert->n_subject = (uint16_t)n;
	cert->subject = NULL;
	if (n == 0)
		return;
	if (cn)
		buf_printf(&content, "CN=%s\n", cn);
	for (size_t i = 0; i < draft->n; i++)
		buf_printf(&content, "%s=%s\n", draft->at[i].key, draft->at[i].value);
	copy = pool_find(p, 's', content.data, content.len);
	if (!copy) {
		copy = arena_zalloc(arena, n * sizeof(*copy));
		if (cn)
			copy[at++] = (struct subject_field){ "CN", arena_strdup(arena, cn) };
		for (size_t i = 0; i < draft->n; i++)
			copy[at++] = (struct subject_field){ draft->at[i].key,
				arena_strdup(arena, draft->at[i].value) };
		pool_add(p, copy);
	}
	cert->subject = copy;
}

static bool has_cn(const struct subject_list *subject)
{
	for (size_t i = 0; i < subject->n; i++)
		if (str_is(subject->at[i].key, "CN"))
			return true;
	return false;
}

/* The array of names and the names themselves as one piece. */
static void set_names(struct pool *p, struct cert_conf *cert, const struct words *draft)
{
	size_t len = draft->n * sizeof(char *);
	char *text;

	cert->n_names = (uint16_t)draft->n;
	cert->names = NULL;
	if (!draft->n)
		return;
	for (size_t i = 0; i < draft->n; i++)
		len += strlen(draft->at[i]) + 1;
	cert->names = arena_zalloc(&p->l->conf->arena, len);
	text = (char *)(cert->names + draft->n);
	for (size_t i = 0; i < draft->n; i++) {
		size_t size = strlen(draft->at[i]) + 1;

		cert->names[i] = memcpy(text, draft->at[i], size);
		text += size;
	}
}

/* Resolves the names of a reference into numbers; those that were found. */
static uint16_t resolve(struct pool *p, const struct yaml_node *node,
	const struct yaml_path *path, bool is_ca, uint32_t out[REFERENCES_MAX])
{
	struct loading *l = p->l;
	size_t n = reference_count(node);
	uint16_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct yaml_path item = { .up = path, .index = i };
		const struct yaml_path *here = node->kind == NODE_LIST ? &item : path;
		const struct yaml_node *at = reference_at(node, i);
		int64_t index = -1;

		if (is_ca && str_is(at->text, "self") && n == 1)
			index = CA_SELF;
		else if (is_ca && str_is(at->text, "self"))
			yaml_error(l->diags, at->place, here, "self must stand alone");
		else if (is_ca)
			index = reference_find(l, at, here, &l->ca_by_name, l->ca_names, "CA");
		else
			index = reference_find(
				l, at, here, &l->target_by_name, l->target_names, "target");
		if (index >= 0)
			out[found++] = (uint32_t)index;
	}
	return found;
}

static void set_cas(struct pool *p, struct cert_conf *cert, const struct yaml_node *node,
	const struct yaml_path *up)
{
	struct yaml_path path = { .up = up, .key = "ca" };
	uint32_t at[REFERENCES_MAX];

	cert->n_cas = resolve(p, node, &path, true, at);
	cert->cas = cert->n_cas ? share(p, 'a', at, cert->n_cas * sizeof(*at)) : NULL;
}

static void set_targets(struct pool *p, struct cert_conf *cert, const struct yaml_node *node,
	const struct yaml_path *up)
{
	struct yaml_path path = { .up = up, .key = "deploy" };
	uint32_t at[REFERENCES_MAX];

	cert->n_targets = resolve(p, node, &path, false, at);
	cert->targets =
		cert->n_targets ? share(p, 'd', at, cert->n_targets * sizeof(*at)) : NULL;
}

static void set_scalars(struct cert_conf *cert, const struct cert_draft *draft)
{
	cert->lifetime = draft->lifetime;
	cert->key_max_age = draft->key_max_age;
	cert->warn_before = draft->warn_before;
	cert->keep = draft->keep;
	cert->path_length = draft->path_length;
	cert->purposes = draft->purposes;
	cert->reuse_key = draft->reuse_key;
	cert->is_auto = draft->is_auto;
	cert->is_active = draft->is_active;
}

/* "GROUP/SERVICE" with a canonical group; NULL when it is none. */
static const char *canonical_cert(struct loading *l, const char *text)
{
	const char *slash = strchr(text, '/');
	char group[NAME_MAX_LEN];
	struct err err = ERR_INIT;
	char *half;

	if (!slash || !entry_name_is_good(slash + 1))
		return NULL;
	half = arena_strndup(&l->arena, text, (size_t)(slash - text));
	if (!str_is(half, "ca")) {
		if (name_canonical(half, group, &err) < 0)
			return NULL;
		half = group;
	}
	return arena_printf(&l->conf->arena, "%s%s", half, slash);
}

static void set_was(struct pool *p, struct cert_source *source, const struct cert_draft *draft,
	const struct yaml_path *up)
{
	struct yaml_path path = { .up = up, .key = "was" };

	source->was = draft->was;
	if (!draft->was)
		return;
	source->cert.was = canonical_cert(p->l, draft->was->text);
	if (!source->cert.was)
		yaml_error(p->l->diags, draft->was->place, &path,
			"\"%.80s\" is not the name of a certificate; write GROUP/SERVICE",
			draft->was->text);
}

static void finish(struct pool *p, struct cert_source *source, const struct cert_draft *draft,
	uint64_t given, const struct yaml_path *path)
{
	struct cert_conf *cert = &source->cert;
	uint64_t all = given | p->l->defaults_given;
	struct yaml_place place = source->key->place;

	if (!draft->ca && !(all & yaml_given(conf_cert_fields, "ca")))
		yaml_error(p->l->diags, place, path, "needs the key ca");
	if (!p->is_ca && !draft->names.n && !(all & yaml_given(conf_cert_fields, "names")))
		yaml_error(p->l->diags, place, path, "needs the key names");
	if (!p->is_ca && given & yaml_given(conf_cert_fields, "path_length"))
		yaml_error(p->l->diags, place, path,
			"has a path_length, which is for group ca only");
	if (!p->is_ca)
		cert->path_length = -1;
	/* Purposes of the defaults are meant for leaves. */
	if (!((p->is_ca ? given : all) & yaml_given(conf_cert_fields, "eku")))
		cert->purposes = p->is_ca ? 0 : PURPOSE_SERVER_AUTH;
	if (!(all & yaml_given(conf_cert_fields, "auto")) && p->is_ca && cert->n_cas == 1 &&
		cert->cas[0] == CA_SELF)
		cert->is_auto = false;
}

static void load_cert(struct pool *p, struct cert_source *source, const struct yaml_path *path)
{
	struct loading *l = p->l;
	struct yaml_decoder d = { .diags = l->diags, .arena = &l->arena, .world = l };
	struct cert_draft draft = l->defaults;
	struct cert_conf *cert = &source->cert;
	uint64_t given = yaml_decode(&d, source->value, path, conf_cert_fields, &draft);

#define GIVEN(name) (given & yaml_given(conf_cert_fields, name))
	*cert = p->defaults;
	cert->name = arena_printf(&l->conf->arena, "%s/%s", p->group, source->key->text);
	cert->service = cert->name + strlen(p->group) + 1;
	cert->is_ca = p->is_ca;
	set_scalars(cert, &draft);
	if (GIVEN("key"))
		cert->key = share_text(p, draft.key);
	if (GIVEN("renew"))
		cert->renew = share_renew(p, &draft.renew);
	if (GIVEN("roll"))
		cert->roll = share_roll(p, &draft.roll);
	if (GIVEN("ca"))
		set_cas(p, cert, draft.ca, path);
	if (GIVEN("deploy"))
		set_targets(p, cert, draft.deploy, path);
	if (p->is_ca && !has_cn(&draft.subject))
		set_subject(p, cert, &draft.subject, source->key->text);
	else if (GIVEN("subject"))
		set_subject(p, cert, &draft.subject, NULL);
#undef GIVEN
	set_names(p, cert, &draft.names);
	set_was(p, source, &draft, path);
	finish(p, source, &draft, given, path);
	cert->digest = cert_conf_digest(l->conf, cert);
}

/* `ca`, or the canonical name of a domain; NULL after telling. */
static const char *group_of(
	struct loading *l, const struct yaml_node *key, const struct yaml_path *path)
{
	char name[NAME_MAX_LEN];
	struct err err = ERR_INIT;

	if (str_is(key->text, "ca"))
		return "ca";
	if (name_canonical(key->text, name, &err) < 0)
		yaml_error(l->diags, key->place, path,
			"a group is called ca or by a domain: %s", err.text);
	else if (name_is_ip(name) || name_is_wildcard(name))
		yaml_error(l->diags, key->place, path, "a group is called ca or by a domain");
	else
		return arena_strdup(&l->arena, name);
	return NULL;
}

static void load_group(struct pool *p, const struct yaml_node *key, const struct yaml_path *up)
{
	struct loading *l = p->l;
	struct yaml_path path = { .up = up, .key = key->text };
	const struct yaml_node *group = key + 1;

	p->group = group_of(l, key, &path);
	p->is_ca = p->group && str_is(p->group, "ca");
	if (group->kind != NODE_MAP && group->kind != NODE_BAD && !yaml_is_null(group))
		yaml_error(l->diags, group->place, &path, "is %s, not a map",
			yaml_kind_text(group));
	if (!p->group || group->kind != NODE_MAP)
		return;
	for (uint32_t i = 0; i < group->n; i++) {
		struct cert_source *source = &l->sources[l->n_sources];
		const struct yaml_node *name = &group->items[2 * i];
		struct yaml_path here = { .up = &path, .key = name->text };

		if (str_is(name->text, "dhparam")) {
			yaml_error(l->diags, name->place, &here,
				"is not supported by this version");
		} else if (!entry_name_is_good(name->text)) {
			yaml_error(l->diags, name->place, &here,
				"a name has letters, digits, dots, hyphens and underscores, at "
				"most %d, "
				"and no leading dot",
				ENTRY_NAME_MAX);
		} else {
			*source = (struct cert_source){ .key = name, .value = name + 1 };
			load_cert(p, source, &here);
			l->n_sources++;
		}
	}
}

static int by_name(const void *a, const void *b)
{
	const struct cert_source *x = a, *y = b;

	return strcmp(x->cert.name, y->cert.name);
}

/* Sorts and indexes; groups that are the same domain in two spellings may hold one name twice. */
static void index_certs(struct loading *l)
{
	struct conf *conf = l->conf;

	if (l->n_sources > 1)
		qsort(l->sources, l->n_sources, sizeof(*l->sources), by_name);
	conf->n_certs = l->n_sources;
	conf->certs = arena_zalloc(&conf->arena, (conf->n_certs + 1) * sizeof(*conf->certs));
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct cert_source *source = &l->sources[i];
		struct yaml_path groups = { .key = "groups" };
		struct yaml_path path = { .up = &groups, .key = source->cert.name };

		conf->certs[i] = source->cert;
		conf->certs[i].place = (uint32_t)i;
		if (map_set(&conf->cert_by_name, conf->certs[i].name, &conf->certs[i]))
			yaml_error(l->diags, source->key->place, &path,
				"is given twice, in two spellings of its group");
	}
}

static void share_defaults(struct pool *p)
{
	struct yaml_path path = { .key = "defaults" };
	const struct cert_draft *draft = &p->l->defaults;
	struct cert_conf *base = &p->defaults;

	base->key = share_text(p, draft->key);
	base->renew = share_renew(p, &draft->renew);
	base->roll = share_roll(p, &draft->roll);
	set_subject(p, base, &draft->subject, NULL);
	set_cas(p, base, draft->ca, &path);
	set_targets(p, base, draft->deploy, &path);
}

void certs_load(struct loading *l)
{
	struct pool p = { .l = l };
	struct yaml_path path = { .key = "groups" };
	const struct yaml_node *groups = l->top.groups;
	size_t n = 0;

	for (uint32_t i = 0; groups && i < groups->n; i++)
		if (groups->items[2 * i + 1].kind == NODE_MAP)
			n += groups->items[2 * i + 1].n;
	l->sources = mem_zalloc((n + 1) * sizeof(*l->sources));
	share_defaults(&p);
	for (uint32_t i = 0; groups && i < groups->n; i++)
		load_group(&p, &groups->items[2 * i], &path);
	index_certs(l);
	map_done(&p.map);
	buf_done(&p.text);
}
