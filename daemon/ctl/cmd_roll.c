/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemon/cert/renewal.h"
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/work.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

/* Of several that are held the first to open is told. */
static void note_held(struct work *work, const struct cert *cert, const struct plan *plan)
{
	if (work->n_held++ && !instant_before(plan->at, work->held.at))
		return;
	work->held = *plan;
	free(work->held_name);
	work->held_name = mem_strdup(cert->conf->name);
}

/*
 * Which guard holds the next version, and until when.  A target that is not in line is more urgent
 * than a guard and hides it, so the plan is asked as if there were none.
 */
static void hold(struct work *work, const struct cert *cert)
{
	const struct fleet *fleet = work->answer.session->ctl->fleet;
	struct issuer issuer = fleet_issuer(fleet, cert);
	struct cert_conf conf = *cert->conf;
	struct plan plan;

	conf.n_targets = 0;
	plan = cert_plan(&conf, fleet->conf, &cert->facts, &issuer, clock_now(), &fleet->clock);
	note_held(work, cert, &plan);
}

/*
 * Forcing skips what the plan waits for, but makes no version current that every client would
 * refuse.
 */
static bool is_too_early(struct work *work, const struct cert *cert)
{
	struct plan plan = { .action = ACTION_ROLL,
		.why = WHY_NOT_YET_VALID,
		.at = cert->facts.next.not_before };

	if (!version_is_early(&cert->facts.next, clock_now()))
		return false;
	note_held(work, cert, &plan);
	return true;
}

static enum verdict judge(struct work *work, const struct cert *cert, const struct plan *plan)
{
	if (!version_is_set(&cert->facts.next.id))
		return WORK_SKIP;
	if (work->options.is_forced && is_too_early(work, cert))
		return WORK_TELL;
	if (work->options.is_forced ||
		(plan->action == ACTION_ROLL && !instant_before(clock_now(), plan->at)))
		return WORK_TAKE;
	if (work_can_take(cert))
		hold(work, cert);
	return WORK_TELL;
}

static int none(const struct work *work, struct err *err)
{
	if (work->options.is_forced && work->n_held == 0 &&
		selection_is_single(&work->selection))
		return err_set(err, ERR_NO_NEXT, "%s has no next version to roll",
			work->selection.names[0]);
	if (work->options.is_forced && work->n_held == 0)
		return err_set(err, ERR_NO_NEXT,
			"none of the certificates has a next version to roll");
	if (work->n_held == 0)
		return 0;
	err_set(err, ERR_TOO_EARLY, "%s cannot be rolled yet: %s", work->held_name,
		why_sentence(work->held.why));
	if (work->held.at.s != INT64_MAX && instant_before(clock_now(), work->held.at))
		err->not_before = work->held.at;
	return -1;
}

int cmd_roll(struct session *session, struct err *err)
{
	static const struct work_rules rules = { JOB_ROLL, true, judge, none };

	return work_begin(session, &rules, err);
}
