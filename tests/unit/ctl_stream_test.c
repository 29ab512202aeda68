/* SPDX-License-Identifier: MIT */
#include <sched.h>

#include "tests/unit/ctl_talk.h"

static void event(const char *cert, const char *job, enum event event, const char *text)
{
	struct log_field with_cert = { "CERT", cert, NULL },
			 with_job = { "JOB", job, &with_cert };

	log_event(&with_job, event, NULL, "%s", text);
}

TEST(watch)
{
	struct talk t;

	talk_begin_root(&t, 1);
	log_to(NULL, NULL);
	event("a/b", "5", EVENT_JOB_STARTED, "begins");
	event("a/c", "6", EVENT_JOB_STARTED, "begins");
	CHECK_STR(say(&t, "watch job=5"),
		"ok\nevent seq=1 at=2026-11-21T10:15:00Z name=job.started job=5 cert=a/b "
		"text=begins\n");
	event("a/c", "6", EVENT_JOB_DONE, "ends");
	CHECK_STR(later(&t), "");
	event("a/b", "5", EVENT_JOB_DONE, "ends");
	CHECK_STARTS(later(&t), "event seq=4 ");
	talk_end(&t);

	talk_begin_root(&t, 1);
	CHECK_STR(say(&t, "watch example.com/l00001"),
		"err no-such-cert \"no certificate is called example.com/l00001; did you mean "
		"example.com/l00000?\"\n");
	CHECK_STR(say(&t, "watch example.com/l00000"), "ok\n");
	talk_end(&t);
	talk_begin_root(&t, 1);
	CHECK_STR(say(&t, "watch nobody.example"), "ok\n");
	talk_end(&t);

	talk_begin_root(&t, 1);
	CHECK_STARTS(say(&t, "watch job=5"), "err no-such-job ");
	event("a/b", NULL, EVENT_CERT_ISSUED, "one");
	event("c/d", NULL, EVENT_CERT_ISSUED, "two");
	CHECK_STR(say(&t, "watch a/*"), "ok\n");
	event("a/b", NULL, EVENT_CERT_ISSUED, "three");
	event("c/d", NULL, EVENT_CERT_ISSUED, "four");
	event(NULL, NULL, EVENT_CONFIG_LOADED, "five");
	CHECK_STR(later(&t), "event seq=3 at=2026-11-21T10:15:00Z name=cert.issued cert=a/b "
			     "text=three\n");
	talk_end(&t);

	talk_begin_root(&t, 1);
	event("a/b", NULL, EVENT_CERT_ISSUED, "one");
	event("a/b", NULL, EVENT_CERT_ISSUED, "two");
	CHECK_STARTS(say(&t, "watch since=1"), "ok\nevent seq=2 ");
	talk_end(&t);
	log_to(log_to_stderr, NULL);
}

/* Whoever comes too late learns how much was lost. */
TEST(lost)
{
	struct talk t;

	talk_begin_root(&t, 1);
	log_to(NULL, NULL);
	CHECK_STR(say(&t, "watch"), "ok\n");
	for (int i = 0; i < 2 * RING_EVENTS_MAX; i++)
		event("a/b", NULL, EVENT_CERT_ISSUED, "one");
	CHECK_STARTS(later(&t), "event seq=4096 at=2026-11-21T10:15:00Z name=lost count=4096\n"
				"event seq=4097 ");
	CHECK_INT(count(buf_text(&t.got), "name=cert.issued"), RING_EVENTS_MAX);
	log_to(log_to_stderr, NULL);
	talk_end(&t);
}

TEST(ring_bounds)
{
	char *text = mem_zalloc(5001);
	struct log_field long_field = { "CERT", text, NULL },
			 again = { "CERT", "x", &long_field };
	struct ring ring;

	memset(text, 'y', 5000);
	ring_init(&ring);
	for (int i = 0; i < 3000; i++) {
		struct log_entry entry = { EVENT_JOB_STEP, 0, text, &again };
		const struct ring_event *last;

		ring_add(&ring, &entry, (struct instant){ 1 }, 0);
		last = ring_get(&ring, ring.next - 1);
		CHECK(ring.bytes <= RING_BYTES_MAX && last && last->line_len < LINE_MAX_LEN);
		CHECK_STR(last->cert, "x");
		CHECK_INT(count(last->line, "cert="), 1);
	}
	CHECK_INT(ring.counts[EVENT_JOB_STEP], 3000);
	CHECK(ring.first > 1 && !ring_get(&ring, ring.first - 1) &&
		!ring_get(&ring, ring.next));
	ring_done(&ring);
	free(text);
}

TEST(metrics)
{
	struct talk t;

	talk_begin_root(&t, 3);
	ctl_world_facts(&t.w, "example.com/l00001", 1000, -1, 100 * 86400);
	say(&t, "metrics");
	CHECK(strstr(buf_text(&t.got), "certd_certificate_not_after_seconds{cert="));

	CHECK(strstr(buf_text(&t.got), "certd_certificates{health=\\\"absent\\\"} 4"));
	CHECK(strstr(buf_text(&t.got), "certd_events_total{event=\\\"cert.issued\\\"} 0"));
	CHECK(strstr(buf_text(&t.got), "\nok rows="));
	talk_end(&t);
}

/* The child's pipe is no part of virtual time, so the session is asked until it has ended. */
static const char *wait_for(struct talk *t, const char *line)
{
	say(t, line);
	while (t->session.answer) {
		sched_yield();
		pull(t);
	}
	return buf_text(&t->got);
}

TEST(plan)
{
	struct talk t;

	talk_begin_root(&t, 2);
	CHECK_STARTS(say(&t, "plan days=0"), "err bad-argument ");
	CHECK_STARTS(say(&t, "plan example.com/nix"), "err no-such-cert ");
	CHECK_STARTS(wait_for(&t, "plan nix.org/* days=1"), "err no-such-cert ");
	CHECK_STARTS(wait_for(&t, "plan example.com/l00000 days=400"),
		"row at=2026-11-21T10:15:00Z cert=example.com/l00000 action=issue ");
	CHECK(!strstr(buf_text(&t.got), "ca/root"));
	CHECK(count(buf_text(&t.got), "action=roll") >= 4);
	CHECK(strstr(buf_text(&t.got), "\nok rows="));
	/* A session that goes away takes its child along. */
	session_feed(&t.session, "plan days=3660\n", 15);
	session_pull(&t.session);
	talk_end(&t);
	CHECK_INT(t.w.ctl.n_forecasts, 0);
}
