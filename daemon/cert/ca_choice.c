/* SPDX-License-Identifier: MIT */
#include "daemon/cert/ca_choice.h"

#include "daemon/conf/index.h"
#include "lib/base/str.h"

size_t ca_with_order(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts)
{
	const struct order_facts *order = &facts->order;
	size_t n = 0;

	for (; n < conf->n_cas; n++) {
		const struct ca_conf *ca = cert_conf_nth_acme(all, conf, n);

		if (ca && order->url && order->ca && str_is(order->ca, ca->name))
			break;
	}
	return n;
}

const struct ca_conf *ca_to_order_from(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer)
{
	size_t n = ca_with_order(conf, all, facts);
	const struct ca_conf *ca;

	if (n < conf->n_cas)
		return cert_conf_nth_acme(all, conf, n);
	ca = issuer->ca == CA_SELF ? NULL : conf_ca_at(all, issuer->ca);
	return ca && ca->type == CA_ACME ? ca : NULL;
}
