/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

struct instant cert_deadline(
	const struct cert_facts *facts, enum action action, struct instant now)
{
	const struct version_facts *curr = &facts->curr;

	if (action == ACTION_REVOKE || facts_are_doomed(facts))
		return facts->revocation.asked;
	if (!version_is_set(&curr->id))
		return instant_add(now, PLAN_GRACE);
	if (action == ACTION_DEPLOY)
		return instant_add(curr->rolled, PLAN_GRACE);
	return instant_is_set(curr->revoked) ? curr->revoked : curr->not_after;
}
