/* SPDX-License-Identifier: MIT */
/* Checks of CAs and targets that need more than one value; certificates are in check_cert.c. */
#include "daemon/conf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

/* The names of all certificates of group ca, NULL-terminated, for near misses. */
static const char **issuer_names(struct loading *l)
{
	const struct conf *conf = l->conf;
	const char **names;
	size_t n = 0;

	for (size_t i = 0; i < conf->n_certs; i++)
		n += conf->certs[i].is_ca;
	names = arena_zalloc(&l->arena, (n + 1) * sizeof(*names));
	n = 0;
	for (size_t i = 0; i < conf->n_certs; i++)
		if (conf->certs[i].is_ca)
			names[n++] = conf->certs[i].name;
	return names;
}

static void check_issuer(struct loading *l, size_t i, const char *const *names)
{
	struct yaml_path cas = { .key = "cas" }, ca = { .up = &cas, .key = l->cas.at[i].name };
	struct yaml_path path = { .up = &ca, .key = "issuer" };
	const struct yaml_node *node = l->ca_drafts[i].issuer;
	const struct cert_conf *cert;
	const char *near;

	if (!node || l->ca_drafts[i].type != CA_LOCAL)
		return;
	cert = conf_cert(l->conf, node->text);
	if (!cert) {
		near = str_near_miss(node->text, names);
		if (near)
			yaml_error(l->diags, node->place, &path,
				"there is no certificate called %.120s; did you mean %s?",
				node->text, near);
		else if (!str_starts(node->text, "ca/"))
			yaml_error(l->diags, node->place, &path,
				"there is no certificate called %.120s; an issuer is called "
				"ca/NAME",
				node->text);
		else
			yaml_error(l->diags, node->place, &path,
				"there is no certificate called %.120s", node->text);
		return;
	}
	if (!cert->is_ca) {
		yaml_error(l->diags, node->place, &path,
			"%.120s cannot sign, as it is not in group ca", node->text);
		return;
	}
	if (!cert->is_active)
		yaml_warn(l->diags, node->place, &path,
			"%.120s is not active, so nobody renews it", node->text);
	l->conf->cas[i].issuer = cert->place;
}

static void check_cas(struct loading *l)
{
	const char **names = issuer_names(l);

	for (size_t i = 0; i < l->cas.n; i++)
		check_issuer(l, i, names);
}

static void resolve_after(struct loading *l, size_t i)
{
	struct yaml_path targets = { .key = "targets" };
	struct yaml_path target = { .up = &targets, .key = l->targets.at[i].name };
	struct yaml_path path = { .up = &target, .key = "after" };
	const struct yaml_node *node = l->target_drafts[i].after;
	struct target_conf *out = &l->conf->targets[i];
	size_t n = reference_count(node);

	out->after = n ? arena_zalloc(&l->conf->arena, n * sizeof(*out->after)) : NULL;
	for (size_t k = 0; k < n; k++) {
		struct yaml_path item = { .up = &path, .index = k };
		int64_t at = reference_find(l, reference_at(node, k),
			node->kind == NODE_LIST ? &item : &path, &l->target_by_name,
			l->target_names, "target");

		if (at >= 0)
			out->after[out->n_after++] = (uint32_t)at;
	}
}

/*
 * Gives each target the number of steps before it; rounds of relaxation, as there are few targets.
 * One whose number exceeds the count of targets waits for itself.
 */
static uint32_t *rank_targets(struct loading *l)
{
	const struct conf *conf = l->conf;
	uint32_t *rank = arena_zalloc(&l->arena, (conf->n_targets + 1) * sizeof(*rank));
	bool has_changed = true;

	for (size_t round = 0; has_changed && round <= conf->n_targets; round++) {
		has_changed = false;
		for (size_t i = 0; i < conf->n_targets; i++)
			for (size_t k = 0; k < conf->targets[i].n_after; k++) {
				uint32_t least = rank[conf->targets[i].after[k]] + 1;

				if (rank[i] < least) {
					rank[i] = least;
					has_changed = true;
				}
			}
	}
	return rank;
}

/* Does `from` come after `to`, over any number of steps?  `seen` is scratch. */
static bool comes_after(const struct conf *conf, size_t from, size_t to, bool *seen)
{
	const struct target_conf *t = &conf->targets[from];

	if (seen[from])
		return false;
	seen[from] = true;
	for (size_t k = 0; k < t->n_after; k++)
		if (t->after[k] == to || comes_after(conf, t->after[k], to, seen))
			return true;
	return false;
}

static void tell_target_cycles(struct loading *l, const uint32_t *rank)
{
	struct yaml_path targets = { .key = "targets" };
	bool *seen = arena_zalloc(&l->arena, l->conf->n_targets + 1);

	for (size_t i = 0; i < l->conf->n_targets; i++) {
		struct yaml_path target = { .up = &targets, .key = l->targets.at[i].name };
		struct yaml_path path = { .up = &target, .key = "after" };

		/* In a cycle, or only behind one? */
		memset(seen, 0, l->conf->n_targets);
		if (rank[i] >= l->conf->n_targets && comes_after(l->conf, i, i, seen))
			yaml_error(l->diags, l->target_drafts[i].after->place, &path,
				"%s comes after itself", l->targets.at[i].name);
	}
}

static void check_target(struct loading *l, size_t i)
{
	struct yaml_path targets = { .key = "targets" };
	struct yaml_path path = { .up = &targets, .key = l->targets.at[i].name };
	const struct target_conf *t = &l->conf->targets[i];
	struct yaml_place place = l->targets.at[i].key->place;

	if (t->formats & FORMAT_PKCS12 && !yaml_get(l->targets.at[i].value, "password_file"))
		yaml_error(l->diags, place, &path, "needs a password_file for format pkcs12");
	if (!(t->formats & FORMAT_PKCS12) && t->password_file)
		yaml_warn(l->diags, place, &path,
			"has a password_file, but not the format pkcs12");
}

/* Programs that serve port 80, and those that reload them, as units and commands call them. */
static const char *const web_servers[] = { "nginx", "apache2", "apache2ctl", "apachectl",
	"httpd", "haproxy", "caddy", "lighttpd" };

/* "nginx.service", "nginx@a.service" and "/usr/sbin/nginx" are nginx. */
static bool is_web_server(const char *word)
{
	const char *slash = strrchr(word, '/');
	const char *name = slash ? slash + 1 : word;
	size_t len = strcspn(name, ".@");

	for (size_t i = 0; i < ARRAY_LEN(web_servers); i++)
		if (strlen(web_servers[i]) == len && memcmp(web_servers[i], name, len) == 0)
			return true;
	return false;
}

/* The word of a reload that names a web server, or NULL. */
static const char *web_server_of(const struct reload_conf *reload)
{
	if (reload->unit)
		return is_web_server(reload->unit) ? reload->unit : NULL;
	for (size_t i = 0; i < reload->command.n; i++)
		if (is_web_server(reload->command.at[i]))
			return reload->command.at[i];
	return NULL;
}

/* A port that is held all the time is none for the web server of a target. */
static void check_held(struct loading *l, const struct target_conf *t)
{
	struct yaml_path top = { .key = "http" }, path = { .up = &top, .key = "hold" };
	const struct yaml_node *hold = l->http_node ? yaml_get(l->http_node, "hold") : NULL;

	if (!hold || !l->conf->http.hold_always || !l->conf->http.n_listen)
		return;
	for (size_t i = 0; i < t->n_reload; i++) {
		const char *server = web_server_of(&t->reload[i]);

		if (!server)
			continue;
		yaml_warn(l->diags, hold->place, &path,
			"is always, so %s, which target %s reloads, cannot have the ports of "
			"http.listen; write hold: challenge, or http.webroot instead of "
			"http.listen",
			server, t->name);
		return;
	}
}

static void sort_by_rank(struct cert_conf *cert, const uint32_t *rank)
{
	for (uint16_t i = 1; i < cert->n_targets; i++)
		for (uint16_t j = i; j > 0; j--) {
			uint32_t a = cert->targets[j - 1], b = cert->targets[j];

			if (rank[a] <= rank[b])
				break;
			cert->targets[j - 1] = b;
			cert->targets[j] = a;
		}
}

static void check_targets(struct loading *l)
{
	const uint32_t *rank;

	for (size_t i = 0; i < l->targets.n; i++) {
		resolve_after(l, i);
		check_target(l, i);
		check_held(l, &l->conf->targets[i]);
	}
	rank = rank_targets(l);
	tell_target_cycles(l, rank);
	for (size_t i = 0; i < l->conf->n_certs; i++)
		sort_by_rank(&l->conf->certs[i], rank);
}

void conf_check(struct loading *l)
{
	check_cas(l);
	check_targets(l);
	check_certs(l);
	check_acme(l);
}
