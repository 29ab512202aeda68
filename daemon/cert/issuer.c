/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

#include <string.h>

#include "daemon/cert/renewal.h"
#include "daemon/conf/index.h"

/* The configuration has no circles of CAs; a store that was made for another one may. */
enum { DEPTH_MAX = 16 };

struct walk {
	const struct conf *all;
	const struct cert_facts *(*facts_of)(uint32_t place, void *data);
	void *data;
};

static const struct version_facts *curr_at(const struct walk *walk, uint32_t place)
{
	const struct cert_facts *facts = walk->facts_of(place, walk->data);

	return facts && version_is_set(&facts->curr.id) ? &facts->curr : NULL;
}

/*
 * The place of the local CA certificate whose key signed the version; CA_NO_ISSUER: none of
 * today's.
 */
static uint32_t signer_of(
	const struct walk *walk, uint32_t place, const struct version_facts *version)
{
	const struct cert_conf *conf = conf_cert_at(walk->all, place);

	for (size_t i = 0; i < conf->n_cas; i++) {
		uint32_t up = conf_issuer(walk->all, cert_conf_ca(conf, i));
		const struct version_facts *signer =
			up == CA_NO_ISSUER ? NULL : curr_at(walk, up);

		if (signer && memcmp(signer->spki, version->issuer_spki, 32) == 0)
			return up;
	}
	return CA_NO_ISSUER;
}

static struct chain_start start_of(const struct walk *walk, uint32_t place)
{
	struct chain_start start = { INSTANT_NONE, place };

	for (int depth = 0; depth < DEPTH_MAX && place != CA_NO_ISSUER; depth++) {
		const struct version_facts *version = curr_at(walk, place);

		if (!version)
			break;
		if (instant_before(start.from, version->not_before))
			start = (struct chain_start){ version->not_before, place };
		place = signer_of(walk, place, version);
	}
	return start;
}

static struct issuer issuer_of(const struct walk *walk, uint32_t ca, uint32_t place)
{
	const struct version_facts *curr = curr_at(walk, place);
	struct issuer issuer = { .is_local = true, .ca = ca };

	if (!curr)
		return issuer;
	issuer.is_set = true;
	issuer.not_after = curr->not_after;
	issuer.rolled = curr->rolled;
	issuer.start = start_of(walk, place);
	memcpy(issuer.spki, curr->spki, sizeof(issuer.spki));
	return issuer;
}

bool issuer_is_valid(const struct issuer *issuer, struct instant now)
{
	return issuer->is_set && !instant_before(now, issuer->start.from) &&
	       instant_before(now, issuer->not_after);
}

static struct issuer choose(
	const struct walk *walk, const struct cert_conf *conf, struct instant now)
{
	struct issuer first = { .ca = CA_SELF };

	for (size_t i = 0; i < conf->n_cas; i++) {
		uint32_t ca = cert_conf_ca(conf, i), place = conf_issuer(walk->all, ca);
		struct issuer issuer = { .ca = ca };

		if (place != CA_NO_ISSUER)
			issuer = issuer_of(walk, ca, place);
		if (!issuer.is_local || issuer_is_valid(&issuer, now))
			return issuer;
		if (i == 0)
			first = issuer;
	}
	return first;
}

struct issuer cert_issuer(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *(*facts_of)(uint32_t place, void *data), void *data,
	struct instant now)
{
	struct walk walk = { all, facts_of, data };
	struct issuer issuer = choose(&walk, conf, now);

	issuer.curr = start_of(&walk, conf->place);
	return issuer;
}

struct instant cert_new_end(const struct cert_conf *conf, const struct conf *all,
	const struct issuer *issuer, struct instant now)
{
	struct duration life = conf_life(all, conf, issuer->ca);
	struct instant end = life.s ? instant_add(now, life) : INSTANT_NEVER;

	return issuer->is_local ? instant_min(end, issuer->not_after) : end;
}
