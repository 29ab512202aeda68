#include "daemon/cert/plan.h"

#include "daemon/cert/renewal.h"

static const char *const words[] = { "ok", "due", "waiting", "working", "failing", "expired",
	"absent" };

const char *health_text(enum health health)
{
	return words[health];
}

static bool is_failing(const struct cert_facts *facts)
{
	if (facts->failure.code != ERR_NONE)
		return true;
	for (size_t i = 0; i < facts->n_targets; i++)
		if (facts->targets[i].failure.code != ERR_NONE)
			return true;
	return false;
}

/* Should something have happened by now that nobody is going to do? */
static bool is_held(const struct plan *plan, struct instant now)
{
	return plan->action == ACTION_SLEEP && instant_is_set(plan->renewal) &&
	       plan->renewal.s <= now.s && plan->why != WHY_INACTIVE;
}

enum health cert_health(const struct cert_facts *facts, const struct plan *plan,
	bool is_working, struct instant now)
{
	if (version_is_expired(&facts->curr, now))
		return HEALTH_EXPIRED;
	if (is_failing(facts))
		return HEALTH_FAILING;
	if (is_working)
		return HEALTH_WORKING;
	if (!version_is_set(&facts->curr.id))
		return HEALTH_ABSENT;
	if (plan->action != ACTION_SLEEP)
		return plan->at.s <= now.s ? HEALTH_DUE : HEALTH_WAITING;
	return is_held(plan, now) ? HEALTH_WAITING : HEALTH_OK;
}
