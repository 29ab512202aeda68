/* SPDX-License-Identifier: MIT */
#include "daemon/conf/conf.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/session.h"
#include "daemon/job/runner.h"
#include "lib/base/mem.h"

/* Jobs told in one step; the list is walked anew in each, because it changes in between. */
enum { JOBS_A_STEP = 32 };

struct jobs {
	struct answer answer;
	uint64_t last; /* number that was told last */
};

static void add_row(struct session *session, const struct job *job)
{
	struct buf *row = session_row(session);

	line_add(row, "job", job->number_text);
	line_add(row, "action", job->verb);
	if (job->log_cert.value)
		line_add(row, "cert", job->log_cert.value);
	if (job->step)
		line_add(row, "step", job->step);
	line_add_instant(row, "started", job->started);
	line_end(row);
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct jobs *jobs = CONTAINER_OF(answer, struct jobs, answer);
	int n = 0;

	(void)err;
	list_each(at, &answer->session->ctl->runner->jobs) {
		const struct job *job = LIST_OF(at, struct job, link);

		if (job->number <= jobs->last)
			continue;
		if (n++ == JOBS_A_STEP)
			return ANSWER_MORE;
		add_row(answer->session, job);
		jobs->last = job->number;
	}
	return ANSWER_END;
}

static void done(struct answer *answer)
{
	free(CONTAINER_OF(answer, struct jobs, answer));
}

int cmd_jobs(struct session *session, struct err *err)
{
	struct jobs *jobs = mem_new(struct jobs);

	(void)err;
	session_answer(session, &jobs->answer, next, done);
	return 0;
}
