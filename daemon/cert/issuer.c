#include "daemon/cert/plan.h"

#include <string.h>

#include "daemon/cert/renewal.h"
#include "daemon/conf/index.h"

static struct issuer issuer_of(uint32_t ca, const struct cert_facts *facts)
{
	struct issuer issuer = { .is_local = true, .ca = ca };

	if (!facts || !version_is_set(&facts->curr.id))
		return issuer;
	issuer.is_set = true;
	issuer.not_after = facts->curr.not_after;
	issuer.rolled = facts->curr.rolled;
	memcpy(issuer.spki, facts->curr.spki, sizeof(issuer.spki));
	return issuer;
}

struct issuer cert_issuer(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *(*facts_of)(uint32_t place, void *data), void *data,
	struct instant now)
{
	struct issuer first = { .ca = CA_SELF };

	for (size_t i = 0; i < conf->n_cas; i++) {
		uint32_t ca = cert_conf_ca(conf, i), place = conf_issuer(all, ca);
		struct issuer issuer = { .ca = ca };

		if (place != CA_NO_ISSUER)
			issuer = issuer_of(ca, facts_of(place, data));
		if (!issuer.is_local ||
			(issuer.is_set && instant_before(now, issuer.not_after)))
			return issuer;
		if (i == 0)
			first = issuer;
	}
	return first;
}

struct instant cert_new_end(const struct cert_conf *conf, const struct conf *all,
	const struct issuer *issuer, struct instant now)
{
	struct duration life = conf_life(all, conf, issuer->ca);
	struct instant end = life.s ? instant_add(now, life) : INSTANT_NEVER;

	return issuer->is_local ? instant_min(end, issuer->not_after) : end;
}
