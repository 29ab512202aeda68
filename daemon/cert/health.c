/* SPDX-License-Identifier: MIT */
#include "daemon/cert/plan.h"

#include "daemon/cert/renewal.h"
#include "daemon/cert/target.h"
#include "daemon/conf/conf.h"

static const char *const words[] = { "ok", "due", "waiting", "working", "failing", "expired",
	"absent" };

const char *health_text(enum health health)
{
	return words[health];
}

/*
 * Is there a failure whose work is still to be done?  A failure that was overcome is no state
 * of health.
 */
static bool is_failing(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct plan *plan)
{
	bool is_wanted = plan->action == ACTION_ISSUE || plan->action == ACTION_ROLL;

	if (is_wanted && cert_failure(conf, facts))
		return true;
	return target_first_failure(conf, all, facts) != NULL;
}

/* Is an action overdue that no job is going to do? */
static bool is_held(const struct plan *plan, struct instant now)
{
	return plan->action == ACTION_SLEEP && instant_is_set(plan->renewal) &&
	       plan->renewal.s <= now.s && plan->why != WHY_INACTIVE;
}

enum health cert_health(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct plan *plan, bool is_working,
	struct instant now)
{
	if (version_is_expired(&facts->curr, now))
		return HEALTH_EXPIRED;
	if (plan->refusal != WHY_NONE || is_failing(conf, all, facts, plan))
		return HEALTH_FAILING;
	if (plan->why == WHY_ACCOUNT)
		return HEALTH_FAILING;
	if (is_working)
		return HEALTH_WORKING;
	if (!version_is_set(&facts->curr.id))
		return HEALTH_ABSENT;
	if (plan->action != ACTION_SLEEP)
		return plan->at.s <= now.s ? HEALTH_DUE : HEALTH_WAITING;
	return is_held(plan, now) ? HEALTH_WAITING : HEALTH_OK;
}
