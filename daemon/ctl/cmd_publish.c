/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/publish.h"
#include "daemon/job/publish_all.h"
#include "daemon/job/runner.h"
#include "lib/base/mem.h"

/* It is about zones, so what else is done about their certificates makes no difference. */

struct publishing {
	struct answer answer;
	struct selection selection;
	struct publish_all *all; /* until the job has it */
};

static int start(struct session *session, struct publish_all *all, struct err *err)
{
	const struct job *job = publish_all_start(session->ctl->runner, all, err);

	if (!job)
		return -1;
	session->job = job->number;
	return 0;
}

static void take(struct publishing *publishing, const struct cert *cert)
{
	const struct conf *conf = publishing->answer.session->ctl->fleet->conf;
	char apex[256];

	for (size_t i = 0; i < cert->conf->n_names; i++) {
		const char *zone = publish_zone(conf, cert->conf, i, apex);

		if (zone)
			publish_all_take(publishing->all, zone);
	}
}

/* Among many it is normal that some lie in no zone of ours; who names one wants to know. */
static void end(struct publishing *publishing, struct err *err)
{
	if (err_is_set(err))
		return;
	if (publishing->all->n > 0)
		(void)start(publishing->answer.session, mem_take(&publishing->all), err);
	else if (selection_is_single(&publishing->selection))
		err_set(err, ERR_NOT_FOUND,
			"no name of %s lies in a zone of dns.zones with publish; those that "
			"aliases lead to are refreshed with all others by certctl publish",
			publishing->selection.names[0]);
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct publishing *publishing = CONTAINER_OF(answer, struct publishing, answer);
	struct cert *cert;

	switch (selection_next(
		&publishing->selection, answer->session->ctl->fleet, &cert, err)) {
	case SELECTED_NONE_YET:
		return ANSWER_MORE;
	case SELECTED_CERT:
		if (cert->conf->is_active) {
			take(publishing, cert);
			return ANSWER_MORE;
		}
		if (!selection_is_single(&publishing->selection))
			return ANSWER_MORE;
		err_set(err, ERR_INACTIVE, "%s is configured as not active", cert->conf->name);
		return ANSWER_END;
	case SELECTED_END:
		break;
	}
	end(publishing, err);
	return ANSWER_END;
}

static void done(struct answer *answer)
{
	struct publishing *publishing = CONTAINER_OF(answer, struct publishing, answer);

	selection_done(&publishing->selection);
	if (publishing->all)
		publish_all_free(publishing->all);
	free(publishing);
}

int cmd_publish(struct session *session, struct err *err)
{
	const struct fleet *fleet = session->ctl->fleet;
	struct selection selection;
	struct publishing *publishing;

	if (!request_arg(&session->request, 0))
		return publish_all_can(fleet->conf) ? start(session, publish_all_new(NULL), err)
						    : 0;
	if (selection_init(&selection, fleet, &session->request, err))
		return -1;
	publishing = mem_new(struct publishing);
	publishing->selection = selection;
	publishing->all = publish_all_new(
		selection_is_single(&selection) ? selection.names[0] : "several certificates");
	session_answer(session, &publishing->answer, next, done);
	return 0;
}
