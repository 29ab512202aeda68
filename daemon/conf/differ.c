#include "daemon/conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && str_is(a, b));
}

static bool words_equal(const struct words *a, const struct words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_is(a->at[i], b->at[i]))
			return false;
	return true;
}

static bool reload_equal(const struct reload_conf *a, const struct reload_conf *b)
{
	return text_equal(a->unit, b->unit) && a->action == b->action &&
	       words_equal(&a->command, &b->command);
}

/* Two configurations, and which of their targets and CAs are the same in both. */
struct pair {
	const struct conf *old, *new;
	bool *target_same, *ca_same; /* by index in new */
};

static bool target_equal(const struct conf *old, const struct target_conf *a,
	const struct conf *new, const struct target_conf *b)
{
	if (!text_equal(a->dir, b->dir) || a->uid != b->uid || a->gid != b->gid ||
		a->key_mode != b->key_mode || a->include_next != b->include_next ||
		a->formats != b->formats || !words_equal(&a->check, &b->check) ||
		!words_equal(&a->after_copy, &b->after_copy) || a->n_reload != b->n_reload ||
		!text_equal(a->password_file, b->password_file) || a->n_after != b->n_after)
		return false;
	for (size_t i = 0; i < a->n_reload; i++)
		if (!reload_equal(&a->reload[i], &b->reload[i]))
			return false;
	for (size_t i = 0; i < a->n_after; i++)
		if (!str_is(old->targets[a->after[i]].name, new->targets[b->after[i]].name))
			return false;
	return true;
}

static bool texts_equal(const char *const *a, size_t n, const char *const *b, size_t m)
{
	for (size_t i = 0; n == m && i < n; i++)
		if (!str_is(a[i], b[i]))
			return false;
	return n == m;
}

bool acme_conf_equal(const struct acme_conf *a, const struct acme_conf *b)
{
	return text_equal(a->directory, b->directory) && text_equal(a->staging, b->staging) &&
	       text_equal(a->trust, b->trust) && text_equal(a->roots, b->roots) &&
	       text_equal(a->staging_roots, b->staging_roots) &&
	       texts_equal(a->contact, a->n_contact, b->contact, b->n_contact) &&
	       a->challenge == b->challenge && text_equal(a->profile, b->profile) &&
	       a->profile_required == b->profile_required && text_equal(a->chain, b->chain) &&
	       text_equal(a->eab_kid, b->eab_kid) &&
	       text_equal(a->eab_hmac_file, b->eab_hmac_file) &&
	       text_equal(a->eab_algorithm, b->eab_algorithm) && a->in_flight == b->in_flight &&
	       a->limits == b->limits &&
	       texts_equal(a->origins, a->n_origins, b->origins, b->n_origins) &&
	       text_equal(a->proxy, b->proxy);
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return text_equal(a->host, b->host) && a->port == b->port;
}

static bool endpoints_equal(
	const struct endpoint *a, size_t n, const struct endpoint *b, size_t m)
{
	for (size_t i = 0; n == m && i < n; i++)
		if (!endpoint_equal(&a[i], &b[i]))
			return false;
	return n == m;
}

bool conf_same_listeners(const struct conf *a, const struct conf *b)
{
	return endpoints_equal(
		       a->http.listen, a->http.n_listen, b->http.listen, b->http.n_listen) &&
	       endpoints_equal(a->tls_alpn.listen, a->tls_alpn.n_listen, b->tls_alpn.listen,
		       b->tls_alpn.n_listen);
}

static bool lists_equal(const struct endpoints *a, const struct endpoints *b)
{
	return endpoints_equal(a->at, a->n, b->at, b->n);
}

static bool publish_equal(const struct publish_conf *a, const struct publish_conf *b)
{
	return a->type == b->type && text_equal(a->acme_dir, b->acme_dir) &&
	       words_equal(&a->tlsa_dirs, &b->tlsa_dirs) &&
	       words_equal(&a->refresh, &b->refresh) && words_equal(&a->add, &b->add) &&
	       words_equal(&a->remove, &b->remove) && endpoint_equal(&a->server, &b->server) &&
	       text_equal(a->tsig_name, b->tsig_name) &&
	       text_equal(a->tsig_algorithm, b->tsig_algorithm) &&
	       text_equal(a->tsig_secret_file, b->tsig_secret_file);
}

static bool zone_equal(const struct zone_conf *a, const struct zone_conf *b)
{
	return text_equal(a->name, b->name) && endpoint_equal(&a->primary, &b->primary) &&
	       lists_equal(&a->nameservers, &b->nameservers) &&
	       a->has_nameservers == b->has_nameservers &&
	       lists_equal(&a->anycast, &b->anycast) && a->aliases == b->aliases &&
	       publish_equal(&a->publish, &b->publish);
}

static bool dns_equal(const struct dns_conf *a, const struct dns_conf *b)
{
	if (!lists_equal(&a->resolver, &b->resolver) || !lists_equal(&a->extra, &b->extra) ||
		a->extra_required != b->extra_required ||
		a->check_delay.s != b->check_delay.s || a->deadline.s != b->deadline.s ||
		a->challenge_ttl.s != b->challenge_ttl.s || a->n_zones != b->n_zones ||
		!a->fallback != !b->fallback ||
		(a->fallback && !zone_equal(a->fallback, b->fallback)))
		return false;
	for (size_t i = 0; i < a->n_zones; i++)
		if (!zone_equal(&a->zones[i], &b->zones[i]))
			return false;
	return true;
}

/* Is the way to pass this challenge the same in both? */
static bool way_equal(const struct conf *a, const struct conf *b, enum challenge challenge)
{
	if (challenge == CHALLENGE_HTTP)
		return text_equal(a->http.webroot, b->http.webroot) &&
		       endpoints_equal(a->http.listen, a->http.n_listen, b->http.listen,
			       b->http.n_listen);
	if (challenge == CHALLENGE_TLS_ALPN)
		return endpoints_equal(a->tls_alpn.listen, a->tls_alpn.n_listen,
			b->tls_alpn.listen, b->tls_alpn.n_listen);
	return dns_equal(&a->dns, &b->dns);
}

static bool ca_equal(const struct conf *old, const struct ca_conf *a, const struct conf *new,
	const struct ca_conf *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == CA_ACME)
		return acme_conf_equal(a->acme, b->acme) &&
		       way_equal(old, new, a->acme->challenge);
	return a->lifetime.s == b->lifetime.s && text_equal(a->digest, b->digest) &&
	       str_is(old->certs[a->issuer].name, new->certs[b->issuer].name);
}

static bool renew_equal(const struct renew_conf *a, const struct renew_conf *b)
{
	if (a->spread.s != b->spread.s || a->ari != b->ari || a->n_curve != b->n_curve)
		return false;
	for (size_t i = 0; i < a->n_curve; i++)
		if (a->curve[i].life.s != b->curve[i].life.s ||
			a->curve[i].left.s != b->curve[i].left.s)
			return false;
	return true;
}

static bool roll_equal(const struct roll_conf *a, const struct roll_conf *b)
{
	if (a->min_age.s != b->min_age.s || a->n_windows != b->n_windows)
		return false;
	for (size_t i = 0; i < a->n_windows; i++)
		if (a->windows[i].days != b->windows[i].days ||
			a->windows[i].from != b->windows[i].from ||
			a->windows[i].to != b->windows[i].to)
			return false;
	return true;
}

/* The digest speaks for names, subject, key, the names of the CAs and purposes. */
static bool cert_equal(
	const struct pair *p, const struct cert_conf *a, const struct cert_conf *b)
{
	if (a->digest != b->digest || !text_equal(a->was, b->was) ||
		a->lifetime.s != b->lifetime.s || a->key_max_age.s != b->key_max_age.s ||
		a->warn_before.s != b->warn_before.s || a->keep != b->keep ||
		a->reuse_key != b->reuse_key || a->is_auto != b->is_auto ||
		a->is_active != b->is_active || a->n_cas != b->n_cas ||
		a->n_targets != b->n_targets || !renew_equal(a->renew, b->renew) ||
		!roll_equal(a->roll, b->roll))
		return false;
	for (uint16_t i = 0; i < b->n_cas; i++)
		if (b->cas[i] != CA_SELF && !p->ca_same[b->cas[i]])
			return false;
	for (uint16_t i = 0; i < b->n_targets; i++)
		if (!p->target_same[b->targets[i]] ||
			!str_is(p->old->targets[a->targets[i]].name,
				p->new->targets[b->targets[i]].name))
			return false;
	return true;
}

void conf_differ(const struct conf *old, const struct conf *new,
	void (*tell)(const struct cert_conf *old, const struct cert_conf *new, void *data),
	void *data)
{
	bool *target_same AUTO_FREE = mem_zalloc(new->n_targets);
	bool *ca_same AUTO_FREE = mem_zalloc(new->n_cas);
	struct pair pair = { old, new, target_same, ca_same };

	for (size_t i = 0; i < new->n_targets; i++) {
		const struct target_conf *was = conf_target(old, new->targets[i].name);

		target_same[i] = was && target_equal(old, was, new, &new->targets[i]);
	}
	for (size_t i = 0; i < new->n_cas; i++) {
		const struct ca_conf *was = conf_ca(old, new->cas[i].name);

		ca_same[i] = was && ca_equal(old, was, new, &new->cas[i]);
	}
	/* Both are sorted by name. */
	for (size_t i = 0, j = 0; i < old->n_certs || j < new->n_certs;) {
		const struct cert_conf *a = i < old->n_certs ? &old->certs[i] : NULL;
		const struct cert_conf *b = j < new->n_certs ? &new->certs[j] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);

		if (order < 0)
			tell(a, NULL, data);
		else if (order > 0)
			tell(NULL, b, data);
		else if (!cert_equal(&pair, a, b))
			tell(a, b, data);
		i += order <= 0;
		j += order >= 0;
	}
}
