/* SPDX-License-Identifier: MIT */
/* Checks of certificates that need more than one value. */
#include "daemon/conf/index.h"
#include "daemon/conf/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf/curve.h"
#include "lib/base/buf.h"
#include "lib/base/str.h"

#define LONG_LIFE DAYS(3650)
#define WEEK_MINUTES (7 * 24 * 60)
/* The longest chain that a client may be asked to verify. */
#define CHAIN_MAX 16
/* Of one walk over all ways up; only lists of CAs that all lead to each other come near. */
#define STEPS_MAX 10000

/* The certificate under check, its path, and what was told already. */
struct checking {
	struct loading *l;
	const struct cert_source *source;
	const struct cert_conf *cert;
	struct yaml_path groups, group, path;
	char group_name[256];
	int steps;
	struct map told; /* of warnings that many certificates share: content -> anything */
	struct map was;  /* older name -> struct cert_conf */
};

/* Where a key of the certificate stands: in it, in `defaults`, or nowhere (then: its name). */
static struct yaml_place place_of(const struct checking *c, const char *key)
{
	const struct yaml_node *own = yaml_get(c->source->value, key);
	const struct yaml_node *base =
		c->l->top.defaults ? yaml_get(c->l->top.defaults, key) : NULL;

	return own ? own->place : base ? base->place : c->source->key->place;
}

static void check_formats(struct checking *c)
{
	struct yaml_path path = { .up = &c->path, .key = "deploy" };
	const struct conf *conf = c->l->conf;

	for (uint16_t i = 0; i < c->cert->n_targets; i++) {
		const struct target_conf *t = &conf->targets[c->cert->targets[i]];

		if (c->cert->is_ca && t->formats != FORMAT_ANCHOR)
			yaml_error(c->l->diags, place_of(c, "deploy"), &path,
				"target %s would copy the private key of a CA; a target for "
				"group ca has "
				"formats: [anchor]",
				t->name);
		for (uint16_t j = 0; j < i; j++) {
			const struct target_conf *other = &conf->targets[c->cert->targets[j]];

			if (t->dir && other->dir && str_is(t->dir, other->dir))
				yaml_error(c->l->diags, place_of(c, "deploy"), &path,
					"targets %s and %s have the same dir, so both would "
					"write the same "
					"files",
					other->name, t->name);
		}
	}
}

/* The certificate that signs for a CA of the section cas; NULL when that was told as wrong. */
static const struct cert_conf *issuer_of(const struct conf *conf, uint32_t ca)
{
	if (ca == CA_SELF || conf->cas[ca].issuer == UINT32_MAX)
		return NULL;
	return &conf->certs[conf->cas[ca].issuer];
}

/*
 * Walks up from a CA certificate: false when the walk comes back to it.  `below` counts the CAs
 * under the one that is looked at, which its path_length must allow (RFC 5280, 4.2.1.9).
 */
static bool walk_up(struct checking *c, const struct cert_conf *at, int below)
{
	const struct conf *conf = c->l->conf;
	struct yaml_path path = { .up = &c->path, .key = "ca" };

	for (uint16_t i = 0; i < at->n_cas; i++) {
		const struct cert_conf *issuer = issuer_of(conf, at->cas[i]);

		if (!issuer)
			continue;
		if (issuer == c->cert) {
			yaml_error(c->l->diags, place_of(c, "ca"), &path,
				"%s would be signed by itself in the end; a root has ca: self",
				c->cert->name);
			return false;
		}
		/* Behind a cycle that another certificate tells, or truly this long. */
		if (below == CHAIN_MAX || ++c->steps > STEPS_MAX)
			return true;
		if (issuer->path_length >= 0 && issuer->path_length < below) {
			yaml_error(c->l->diags, place_of(c, "ca"), &path,
				"%s has path_length %d, so %s cannot stand below it",
				issuer->name, issuer->path_length, c->cert->name);
			return true;
		}
		if (!walk_up(c, issuer, below + 1))
			return false;
	}
	return true;
}

/* The certificate's lifetime: its wish within that of its first CA; 0: not known. */
static struct duration life_of(const struct checking *c)
{
	return conf_life(c->l->conf, c->cert, c->cert->n_cas ? c->cert->cas[0] : CA_SELF);
}

static void check_life(struct checking *c)
{
	struct yaml_path path = { .up = &c->path, .key = "lifetime" };

	if (c->cert->lifetime.s > LONG_LIFE.s)
		yaml_warn(c->l->diags, place_of(c, "lifetime"), &path,
			"is above 10 years; what was lost or broken stays valid that long");
}

static void mark(bool week[WEEK_MINUTES], const struct window *w)
{
	for (int day = 0; day < 7; day++) {
		int len = w->to > w->from ? w->to - w->from : w->to + 24 * 60 - w->from;

		if (!(w->days & 1 << day))
			continue;
		for (int m = 0; m < len; m++)
			week[(day * 24 * 60 + w->from + m) % WEEK_MINUTES] = true;
	}
}

/* The longest time in a week during which no window is open. */
static struct duration longest_gap(const struct roll_conf *roll)
{
	bool week[WEEK_MINUTES] = { false };
	int64_t longest = 0, run = 0;

	if (!roll->n_windows)
		return SECONDS(0);
	for (size_t i = 0; i < roll->n_windows; i++)
		mark(week, &roll->windows[i]);
	/* Twice around, for the gap over the end of the week. */
	for (int m = 0; m < 2 * WEEK_MINUTES; m++) {
		run = week[m % WEEK_MINUTES] ? 0 : run + 1;
		if (run > longest)
			longest = run;
	}
	return MINUTES(longest > WEEK_MINUTES ? WEEK_MINUTES : longest);
}

/* Certificates with equal wishes get one warning between them. */
static bool is_first(struct checking *c, struct duration life)
{
	char key[120];

	snprintf(key, sizeof(key), "%p %p %lld", (const void *)c->cert->renew,
		(const void *)c->cert->roll, (long long)life.s);
	if (map_get(&c->told, key))
		return false;
	map_set(&c->told, arena_strdup(&c->l->arena, key), c);
	return true;
}

static void check_window(struct checking *c)
{
	struct yaml_path path = { .up = &c->path, .key = "roll" };
	char gap_text[DURATION_TEXT_LEN], age_text[DURATION_TEXT_LEN],
		left_text[DURATION_TEXT_LEN];
	struct duration life = life_of(c), left, gap;

	if (!life.s || !is_first(c, life))
		return;
	left = renew_conf_left(c->cert->renew, life);
	gap = longest_gap(c->cert->roll);
	if (c->cert->roll->min_age.s + gap.s <= left.s)
		return;
	duration_brief(c->cert->roll->min_age, age_text);
	duration_brief(gap, gap_text);
	duration_brief(left, left_text);
	if (gap.s)
		yaml_warn(c->l->diags, place_of(c, "roll"), &path,
			"min_age (%s) and the longest gap between windows (%s) exceed the time "
			"left at "
			"renewal (%s), so versions will roll outside the windows or younger",
			age_text, gap_text, left_text);
	else
		yaml_warn(c->l->diags, place_of(c, "roll"), &path,
			"min_age (%s) exceeds the time left at renewal (%s), so versions will "
			"roll "
			"younger",
			age_text, left_text);
}

static void check_was(struct checking *c)
{
	struct yaml_path path = { .up = &c->path, .key = "was" };
	const struct cert_conf *other;

	if (!c->cert->was)
		return;
	if (conf_cert(c->l->conf, c->cert->was))
		yaml_error(c->l->diags, place_of(c, "was"), &path,
			"%s is still a certificate of its own", c->cert->was);
	other = map_set(&c->was, c->cert->was, (void *)(uintptr_t)c->cert);
	if (other)
		yaml_error(c->l->diags, place_of(c, "was"), &path,
			"the history of %s is claimed by %s already", c->cert->was,
			other->name);
}

static void check_one(struct checking *c, size_t i)
{
	c->source = &c->l->sources[i];
	c->cert = &c->l->conf->certs[i];
	cert_conf_group(c->cert, c->group_name);
	c->groups = (struct yaml_path){ .key = "groups" };
	c->group = (struct yaml_path){ .up = &c->groups, .key = c->group_name };
	c->path = (struct yaml_path){ .up = &c->group, .key = c->cert->service };
	c->steps = 0;
	check_formats(c);
	if (c->cert->is_ca)
		walk_up(c, c->cert, 1);
	check_life(c);
	check_window(c);
	check_was(c);
}

void check_certs(struct loading *l)
{
	struct checking c = { .l = l };

	assert(l->n_sources == l->conf->n_certs);
	for (size_t i = 0; i < l->conf->n_certs; i++)
		check_one(&c, i);
	map_done(&c.told);
	map_done(&c.was);
}
