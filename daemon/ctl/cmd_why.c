/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "daemon/cert/explain.h"
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/limits.h"
#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/job.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

static void tell(const char *sentence, void *data)
{
	session_text(data, sentence);
}

/* The name servers that its order waits for, a line for each record. */
static void add_evidence(struct session *session, const struct job *job)
{
	struct buf lines AUTO_BUF = BUF_INIT;

	if (!order_tell(&job->order, &lines))
		return;
	for (const char *at = buf_text(&lines); *at;) {
		size_t len = strcspn(at, "\n");
		char *line AUTO_FREE = mem_strndup(at, len);

		session_text(session, line);
		at += len + (at[len] == '\n');
	}
}

int cmd_why(struct session *session, struct err *err)
{
	const struct fleet *fleet = session->ctl->fleet;
	struct cert *cert = select_one(fleet, &session->request, err);
	struct issuer issuer;

	if (!cert)
		return -1;
	issuer = fleet_issuer(fleet, cert);
	cert_explain(cert->conf, fleet->conf, &cert->facts, &issuer, clock_now(), &fleet->clock,
		tell, session);
	limits_add_sentences(session, cert);
	if (cert->job) {
		char text[128];

		snprintf(text, sizeof(text), "Job %s (%s) works on it%s%s.",
			cert->job->number_text, cert->job->verb,
			cert->job->step ? ", at the step " : "",
			cert->job->step ? cert->job->step : "");
		session_text(session, text);
		add_evidence(session, cert->job);
	}
	return 0;
}
