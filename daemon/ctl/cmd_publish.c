#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/work.h"
#include "daemon/ctl/session.h"
#include "daemon/job/publish.h"
#include "daemon/job/publish_all.h"
#include "daemon/job/runner.h"

static bool has_zone(const struct conf *conf, const struct cert_conf *cert)
{
	char apex[256];

	for (size_t i = 0; i < cert->n_names; i++)
		if (publish_zone(conf, cert, i, apex))
			return true;
	return false;
}

static enum verdict judge(struct work *work, const struct cert *cert, const struct plan *plan)
{
	(void)plan;
	return has_zone(work->answer.session->ctl->fleet->conf, cert->conf) ? WORK_TAKE
									    : WORK_SKIP;
}

/* Among many it is normal that some lie in no zone of ours; who names one wants to know. */
static int none(const struct work *work, struct err *err)
{
	const struct fleet *fleet = work->answer.session->ctl->fleet;
	const struct cert *cert;

	if (!selection_is_single(&work->selection))
		return 0;
	cert = fleet_find(fleet, work->selection.names[0]);
	if (!cert || cert->job || !cert->conf->is_active)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
		"no name of %s lies in a zone of dns.zones with publish; those that aliases "
		"lead "
		"to are refreshed with all others by certctl publish",
		cert->conf->name);
}

static int publish_all(struct session *session, struct err *err)
{
	const struct job *job;

	if (!publish_all_can(session->ctl->fleet->conf))
		return 0;
	job = runner_start_publish_all(session->ctl->runner, err);
	if (!job)
		return -1;
	session->job = job->number;
	return 0;
}

int cmd_publish(struct session *session, struct err *err)
{
	static const struct work_rules rules = { JOB_PUBLISH, judge, none };

	if (!request_arg(&session->request, 0))
		return publish_all(session, err);
	return work_begin(session, &rules, err);
}
