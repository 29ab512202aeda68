/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_UNIT_CTL_TALK_H
#define CERTD_TESTS_UNIT_CTL_TALK_H

#include "tests/test.h"

#include "daemon/ctl/handlers.h"
#include "lib/base/str.h"
#include "lib/task/loop_virtual.h"
#include "tests/unit/ctl_world.h"

/*
 * For the tests of the control protocol: a world on virtual time (ctl_world.h) and one session in it,
 * without a socket.  say() gives it a line, later() lets the loop run first; what it answered gathers
 * in `got`.  talk_end() stops what a test has started.
 */
struct talk {
	struct ctl_world w;
	struct session session;
	struct buf got;
	unsigned n_wakes;
	size_t most; /* bytes that were queued at once */
};

static struct talk *woken;

static inline void wake(struct session *session)
{
	CONTAINER_OF(session, struct talk, session)->n_wakes++;
	woken = CONTAINER_OF(session, struct talk, session);
}

static inline void talk_begin(struct talk *t, size_t n, struct peer *peer)
{
	virtual_start((struct instant){ CTL_WORLD_NOW });
	memset(t, 0, sizeof(*t));
	ctl_world_init(&t->w, loop_new(), n);
	session_init(&t->session, &t->w.ctl, peer, wake);
	buf_clear(&t->session.out);
}

static inline void talk_begin_root(struct talk *t, size_t n)
{
	talk_begin(t, n, &(struct peer){ .uid = 0 });
}

static inline void pull(struct talk *t)
{
	bool has_more = true;

	while (has_more) {
		has_more = session_pull(&t->session);
		if (t->session.out.len > t->most)
			t->most = t->session.out.len;
		buf_add(&t->got, t->session.out.data, t->session.out.len);
		buf_clear(&t->session.out);
	}
}

/* What is answered to a line, as far as it goes without waiting. */
static inline const char *say(struct talk *t, const char *line)
{
	buf_clear(&t->got);
	session_feed(&t->session, line, strlen(line));
	session_feed(&t->session, "\n", 1);
	pull(t);
	return buf_text(&t->got);
}

/* Lets the loop run and the session say what it could not before. */
static inline const char *later(struct talk *t)
{
	buf_clear(&t->got);
	loop_run(t->w.loop);
	pull(t);
	return buf_text(&t->got);
}

/* Ends the jobs that a test started. */
static inline void nothing(void *data)
{
	(void)data;
}

static inline void talk_end(struct talk *t)
{
	session_done(&t->session);
	runner_stop(t->w.runner, nothing, NULL);
	while (ctl_world_request() || virtual_step(t->w.loop, INSTANT_NEVER))
		if (ctl_world_request())
			ctl_world_answer("");
	ctl_world_done(&t->w);
	buf_done(&t->got);
}

static inline size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/* Does the text begin with this, and end with that? */
#define CHECK_ENDS(text, end)                                                                  \
	do {                                                                                   \
		const char *text_ = (text);                                                    \
		if (!str_ends(text_, end))                                                     \
			TEST_FAIL("does not end with %s: %s", end, text_);                     \
	} while (0)
#define CHECK_STARTS(text, start)                                                              \
	do {                                                                                   \
		const char *text_ = (text);                                                    \
		if (!str_starts(text_, start))                                                 \
			TEST_FAIL("does not start with %s: %s", start, text_);                 \
	} while (0)

#endif
