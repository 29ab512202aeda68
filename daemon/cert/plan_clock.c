/* SPDX-License-Identifier: MIT */
#include "daemon/cert/clock_judge.h"
#include "daemon/cert/plan_at.h"
#include "daemon/conf/conf.h"

/*
 * The plan by a clock that may be wrong: what is due by both times is due, all else waits or is
 * a try.
 */

static bool plan_is_due(const struct plan *plan, enum action action, struct instant now)
{
	return plan->action == action && plan->at.s <= now.s;
}

/*
 * Back-off counts by our clock alone, which wrote down when the last try failed: by the other
 * time that moment may lie in the future, or long ago, and each failed try would be followed by
 * the next at once.
 */
static bool is_backing_off(
	const struct cert_conf *conf, const struct cert_facts *facts, struct instant now)
{
	return instant_before(
		now, failure_retry(failure_holds(cert_failure(conf, facts), facts),
			     &facts->curr, now));
}

static void hold_for_clock(struct plan *plan, const struct plan *other,
	const struct cert_conf *conf, const struct cert_facts *facts, bool is_order,
	struct instant now, struct instant other_now)
{
	bool is_due = plan->action != ACTION_SLEEP && plan->at.s <= now.s;

	if (is_due && plan_is_due(other, plan->action, other_now))
		return;
	plan->is_try = is_order && !is_backing_off(conf, facts, now) &&
		       (plan_is_due(plan, ACTION_ISSUE, now) ||
			       (!is_due && plan_is_due(other, ACTION_ISSUE, other_now)));
	if (plan->is_try) {
		plan->action = ACTION_ISSUE;
		plan->at = now;
	} else if (is_due) {
		plan->at = INSTANT_NEVER;
	} else {
		return;
	}
	plan->why = WHY_CLOCK;
}

struct plan cert_plan(const struct cert_conf *conf, const struct conf *all,
	const struct cert_facts *facts, const struct issuer *issuer, struct instant now,
	const struct clock_verdict *clock)
{
	struct plan plan = plan_at(conf, all, facts, issuer, now), other;

	if (!clock_is_doubted(clock))
		return plan;
	other = plan_at(conf, all, facts, issuer, clock_other(clock, now));
	hold_for_clock(&plan, &other, conf, facts, !issuer->is_local && issuer->ca != CA_SELF,
		now, clock_other(clock, now));
	return plan;
}
