/* SPDX-License-Identifier: MIT */
#include "daemon/job/remind.h"

#include "daemon/conf/conf.h"
#include "daemon/job/fleet.h"
#include "lib/log/log.h"

struct instant remind_from(const struct cert *cert, const struct plan *plan)
{
	struct instant end = cert->facts.curr.not_after;
	struct duration left = instant_since(end, plan->renewal);
	struct instant half = instant_add(plan->renewal, SECONDS(left.s / 2));

	return instant_max(instant_sub(end, cert->conf->warn_before), half);
}

static void say_late(
	struct cert *cert, const struct plan *plan, const struct log_field *context)
{
	bool is_late = plan->action == ACTION_ROLL && plan->why == WHY_LATE;

	if (is_late && !cert->is_told_late)
		log_event(context, EVENT_CERT_LATE, NULL,
			"%s rolls before its age and window allow it", cert->conf->name);
	cert->is_told_late = is_late;
}

struct instant remind(struct cert *cert, const struct plan *plan, struct instant now)
{
	struct log_field context = { "CERT", cert->conf->name, NULL };
	struct instant end = cert->facts.curr.not_after, from;
	char left[DURATION_TEXT_LEN];

	if (!version_is_set(&cert->facts.curr.id) || !cert->conf->is_active)
		return INSTANT_NEVER;
	say_late(cert, plan, &context);
	if (end.s <= now.s) {
		if (!cert->is_told_expired)
			log_event(&context, EVENT_CERT_EXPIRED, NULL,
				"the current version of %s has ended", cert->conf->name);
		cert->is_told_expired = true;
		return INSTANT_NEVER;
	}
	cert->is_told_expired = false;
	from = remind_from(cert, plan);
	if (now.s < from.s)
		return instant_min(from, end);
	if (instant_since(now, cert->reminded).s >= DAYS(1).s) {
		cert->reminded = now;
		log_event(&context, EVENT_CERT_EXPIRING, NULL, "%s ends in %s: %s",
			cert->conf->name, duration_brief(instant_since(end, now), left),
			why_sentence(plan->why));
	}
	return instant_min(instant_add(cert->reminded, DAYS(1)), end);
}
