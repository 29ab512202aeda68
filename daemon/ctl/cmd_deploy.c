/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/work.h"

static enum verdict judge(struct work *work, const struct cert *cert, const struct plan *plan)
{
	(void)work;
	(void)plan;
	return cert->conf->n_targets && version_is_set(&cert->facts.curr.id) ? WORK_TAKE
									     : WORK_SKIP;
}

/* Among many it is normal that some have nothing to deploy; who names one wants to know. */
static int none(const struct work *work, struct err *err)
{
	const struct fleet *fleet = work->answer.session->ctl->fleet;
	const struct cert *cert;

	if (!selection_is_single(&work->selection))
		return 0;
	cert = fleet_find(fleet, work->selection.names[0]);
	if (!cert || cert->job || !cert->conf->is_active)
		return 0;
	if (cert->conf->n_targets == 0)
		return err_set(err, ERR_NO_SUCH_TARGET, "%s has no targets", cert->conf->name);
	return err_set(err, ERR_NO_SUCH_VERSION, "%s has no current version to deploy",
		cert->conf->name);
}

int cmd_deploy(struct session *session, struct err *err)
{
	static const struct work_rules rules = { JOB_DEPLOY, true, judge, none };

	return work_begin(session, &rules, err);
}
