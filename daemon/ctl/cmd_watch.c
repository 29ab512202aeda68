/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/handlers.h"
#include "daemon/ctl/select.h"
#include "daemon/ctl/session.h"
#include "daemon/job/runner.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Events looked at in one step. */
enum { EVENTS_A_STEP = 256 };

struct watching {
	struct answer answer;
	const char *pattern; /* in the request; NULL: all */
	uint64_t job;        /* 0: all */
	uint64_t next;       /* event */
};

static bool is_wanted(const struct watching *watching, const struct ring_event *event)
{
	if (watching->job && event->job != watching->job && event->batch != watching->job)
		return false;
	return !watching->pattern ||
	       (event->cert && str_matches(event->cert, watching->pattern));
}

static void tell_lost(struct watching *watching, struct session *session)
{
	const struct ring *ring = &session->ctl->ring;

	message_event_begin(&session->out, ring->first - 1, clock_now(), "lost");
	line_addf(&session->out, "count", "%" PRIu64, ring->first - watching->next);
	line_end(&session->out);
	watching->next = ring->first;
}

static enum answer_step next(struct answer *answer, struct err *err)
{
	struct watching *watching = CONTAINER_OF(answer, struct watching, answer);
	struct session *session = answer->session;
	const struct ring *ring = &session->ctl->ring;

	/* A reload may take the role away in the middle of the stream. */
	if (peer_role(&session->peer, session->ctl) < session->request.command->role) {
		err_set(err, ERR_NOT_ALLOWED, "this peer may not watch any more");
		return ANSWER_END;
	}
	if (watching->next < ring->first)
		tell_lost(watching, session);
	for (int i = 0; i < EVENTS_A_STEP && watching->next < ring->next; i++) {
		const struct ring_event *event = ring_get(ring, watching->next++);

		if (is_wanted(watching, event)) {
			buf_add(&session->out, event->line, event->line_len);
			return ANSWER_MORE;
		}
	}
	return watching->next < ring->next ? ANSWER_MORE : ANSWER_WAIT;
}

static void done(struct answer *answer)
{
	list_remove(&answer->link);
	free(CONTAINER_OF(answer, struct watching, answer));
}

/* Has the ring anything of this job? */
static bool is_remembered(const struct ring *ring, uint64_t job)
{
	for (uint64_t seq = ring->first; seq < ring->next; seq++)
		if (ring_get(ring, seq)->job == job)
			return true;
	return false;
}

/*
 * A client follows a job that it asked for a moment ago, in a request before this one: without
 * since= the stream begins with what the job has said so far, so that its end cannot be missed.
 */
static int begin(struct session *session, struct watching *watching, struct err *err)
{
	const struct ctl *ctl = session->ctl;
	const struct line *line = session->request.line;
	int64_t since = -1, job = 0;

	if (line_get_int(line, "since", 0, INT64_MAX - 1, &since, err) ||
		line_get_int(line, "job", 1, INT64_MAX, &job, err))
		return -1;
	watching->job = (uint64_t)job;
	watching->pattern = request_arg(&session->request, 0);
	if (job && !runner_find(ctl->runner, watching->job) &&
		!is_remembered(&ctl->ring, watching->job))
		return err_set(err, ERR_NO_SUCH_JOB,
			"no job with the number %" PRId64 " is known", job);
	if (watching->pattern && select_check(ctl->fleet, watching->pattern, err))
		return -1;
	if (since < 0)
		watching->next = job ? ctl->ring.first : ctl->ring.next;
	else if ((uint64_t)since >= ctl->ring.next)
		/* A number from before the daemon was started anew. */
		watching->next = ctl->ring.first;
	else
		watching->next = (uint64_t)since + 1;
	return 0;
}

int cmd_watch(struct session *session, struct err *err)
{
	struct watching *watching = mem_new(struct watching);

	if (begin(session, watching, err)) {
		free(watching);
		return -1;
	}
	message_ok_begin(&session->out);
	line_end(&session->out);
	session_answer(session, &watching->answer, next, done);
	list_append(&session->ctl->watchers, &watching->answer.link);
	return 0;
}
