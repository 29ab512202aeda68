/* SPDX-License-Identifier: MIT */
#include "daemon/cert/target.h"

#include "daemon/cert/plan.h"
#include "daemon/conf/index.h"

static bool has_curr(const struct cert_facts *facts, const struct target_facts *known)
{
	return known && version_is_set(&facts->curr.id) &&
	       version_id_equal(&known->confirmed, &facts->curr.id);
}

bool target_has_curr(const struct cert_facts *facts, const struct target_conf *target)
{
	return has_curr(facts, facts_target(facts, target->name));
}

const struct target_conf *target_laggard(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts)
{
	for (size_t i = 0; i < conf->n_targets; i++) {
		const struct target_conf *target = cert_conf_nth_target(all, conf, i);

		if (!target_has_curr(facts, target))
			return target;
	}
	return NULL;
}

const struct target_conf *target_waits_for(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct target_conf *target)
{
	for (size_t i = 0; i < target->n_after; i++) {
		const struct target_conf *first = conf_target_at(all, target->after[i]);

		if (cert_conf_has_target(all, conf, first) && !target_has_curr(facts, first))
			return first;
	}
	return NULL;
}

const struct failure *target_failure(
	const struct cert_facts *facts, const struct target_conf *target)
{
	const struct target_facts *known = facts_target(facts, target->name);

	if (!known || !failure_counts(&known->failure, target->deploy_digest) ||
		!version_is_set(&facts->curr.id) || has_curr(facts, known) ||
		instant_before(known->failure.last, facts->curr.rolled))
		return NULL;
	return &known->failure;
}

const struct failure *target_first_failure(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts)
{
	for (size_t i = 0; i < conf->n_targets; i++) {
		const struct failure *failure =
			target_failure(facts, cert_conf_nth_target(all, conf, i));

		if (failure)
			return failure;
	}
	return NULL;
}

bool target_wants_tidying(
	const struct cert_conf *conf, const struct conf *all, const struct cert_facts *facts)
{
	for (size_t i = 0; i < facts->n_targets; i++) {
		const struct target_facts *at = &facts->targets[i];

		if (at->left || at->untidy ||
			(target_facts_dir(at) &&
				!cert_conf_uses_dir(all, conf, at->name, at->dir)))
			return true;
	}
	return false;
}
