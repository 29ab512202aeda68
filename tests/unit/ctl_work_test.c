/* SPDX-License-Identifier: MIT */
#include "tests/unit/ctl_talk.h"

/* Commands that start work: renew, roll, deploy; and discard, which takes a renewal back. */

TEST(renew)
{
	struct talk t;

	talk_begin_root(&t, 3);
	ctl_world_facts(&t.w, "ca/root", 1000, -1, 3650 * INT64_C(86400));
	ctl_world_facts(&t.w, "example.com/l00000", 1000, -1, 100 * 86400);
	ctl_world_facts(&t.w, "example.com/l00001", 99 * 86400, -1, 100 * 86400);
	CHECK_STARTS(
		say(&t, "renew example.com/l00000"), "row cert=example.com/l00000 action=");
	CHECK_ENDS(buf_text(&t.got), "\nok rows=1\n");
	CHECK_STR(say(&t, "renew example.com/l00001"), "ok job=1\n");
	CHECK_STR(say(&t, "renew example.com/l00001"),
		"err busy \"example.com/l00001 has job 1 already (issue)\"\n");
	CHECK_STARTS(say(&t, "jobs"), "row job=1 action=issue cert=example.com/l00001 ");
	CHECK_STR(say(&t, "renew other.org/off --force"),
		"err inactive \"other.org/off is configured as not active\"\n");
	CHECK_STARTS(
		say(&t, "renew nothing.org/* example.com/l00000 --force"), "err no-such-cert");
	CHECK_STARTS(say(&t, "renew example.com/l00000 --test --force"),
		"err bad-argument \"--test makes no version");
	CHECK_STR(say(&t, "renew example.com/l00000 --force"), "ok job=2\n");
	/* l00000 and l00001 are busy, l00002 and nobody else is due: absent. */
	CHECK_ENDS(say(&t, "renew example.com"), "\nok job=3 rows=2\n");
	CHECK(strstr(buf_text(&t.got), " job=2\n"));
	CHECK_STARTS(say(&t, "cancel 77"), "err no-such-job ");
	CHECK_STARTS(say(&t, "cancel x"), "err bad-argument ");
	CHECK_STR(say(&t, "cancel 2"), "ok\n");
	talk_end(&t);
}

/* A pattern that reaches the root by accident costs every certificate below it. */
TEST(a_forced_renewal_replaces_a_ca_only_by_its_name)
{
	struct talk t;

	talk_begin_root(&t, 2);
	ctl_world_facts(&t.w, "ca/root", 1000, -1, 3650 * INT64_C(86400));
	ctl_world_facts(&t.w, "example.com/l00000", 1000, -1, 100 * 86400);
	ctl_world_facts(&t.w, "example.com/l00001", 1000, -1, 100 * 86400);
	CHECK_STARTS(say(&t, "renew ca --force"), "row cert=ca/root ");
	CHECK(strstr(buf_text(&t.got), "\nerr not-named \"ca/root: --force renews it only"));
	CHECK(strstr(say(&t, "renew */root --force"), "\nerr not-named "));
	CHECK_STARTS(say(&t, "renew --force"), "row cert=ca/root ");
	CHECK_ENDS(buf_text(&t.got), "\nok job=1 rows=2\n");
	CHECK_STR(say(&t, "renew ca/root --force"), "ok job=2\n");
	CHECK(strstr(say(&t, "jobs"), "job=2 action=issue cert=ca/root"));
	talk_end(&t);
}

TEST(a_forced_renewal_replaces_what_is_not_automatic_only_by_its_name)
{
	struct talk t;

	talk_begin_root(&t, 1);
	ctl_world_facts(&t.w, "ca/root", 1000, -1, 3650 * INT64_C(86400));
	ctl_world_facts(&t.w, "example.com/l00000", 1000, -1, 100 * 86400);
	t.w.fleet->conf->certs[fleet_find(t.w.fleet, "example.com/l00000")->conf->place]
		.is_auto = false;
	CHECK(strstr(say(&t, "renew example.com --force"), "\nerr not-named "));
	CHECK(strstr(buf_text(&t.got), "(auto: false)"));
	CHECK_STR(say(&t, "renew example.com/l00000 --force"), "ok job=1\n");
	talk_end(&t);
}

TEST(batch)
{
	struct talk t;

	talk_begin_root(&t, 3);
	ctl_world_facts(&t.w, "ca/root", 1000, -1, 3650 * INT64_C(86400));
	CHECK_STR(say(&t, "renew example.com/*"), "ok job=1\n");
	talk_end(&t);
}

TEST(roll)
{
	struct talk t;

	talk_begin_root(&t, 3);
	CHECK_STR(say(&t, "roll"), "ok\n");
	CHECK_STR(say(&t, "roll example.com/l00000"), "ok\n");
	CHECK_STR(say(&t, "roll example.com/l00000 --force"),
		"err no-next \"example.com/l00000 has no next version to roll\"\n");
	CHECK_STARTS(say(&t, "roll example.com --force"), "err no-next ");
	ctl_world_facts(&t.w, "ca/root", 1000, -1, 3650 * INT64_C(86400));
	ctl_world_facts(&t.w, "example.com/l00000", 1000, 60, 100 * 86400);
	CHECK_STARTS(say(&t, "roll"), "row cert=example.com/l00000 action=");
	CHECK(strstr(
		buf_text(&t.got), "\nerr too-early \"example.com/l00000 cannot be rolled yet"));
	CHECK_ENDS(buf_text(&t.got), " until=2026-11-21T11:44:00Z\n");
	CHECK_STR(say(&t, "roll --force"), "ok job=1\n");
	talk_end(&t);
}

/* `renew --wait` and `roll --wait` meet the roll that the plan begins when the issue has ended. */
TEST(a_roll_follows_the_roll_that_runs)
{
	struct talk t;

	talk_begin_root(&t, 2);
	ctl_world_facts(&t.w, "ca/root", 1000, -1, 3650 * INT64_C(86400));
	ctl_world_facts(&t.w, "example.com/l00000", 1000, 60, 100 * 86400);
	CHECK_STR(say(&t, "roll example.com/l00000 --force"), "ok job=1\n");
	CHECK_STR(say(&t, "roll example.com/l00000"), "ok job=1\n");
	CHECK_STR(say(&t, "roll example.com/l00000 --force"), "ok job=1\n");
	CHECK_STARTS(say(&t, "renew example.com/l00000 --force"), "err busy ");
	/* Another job is at work, and there is nothing to roll. */
	CHECK_STR(say(&t, "renew example.com/l00001 --force"), "ok job=2\n");
	CHECK_STR(say(&t, "roll example.com/l00001"), "ok\n");
	CHECK_STARTS(say(&t, "roll example.com/l00001 --force"), "err no-next ");
	talk_end(&t);
}

/* The next version is dropped by the keeper, whose facts the fleet takes. */
TEST(discard)
{
	struct buf answer AUTO_BUF = BUF_INIT;
	struct cert_facts left;
	struct talk t;

	talk_begin_root(&t, 2);
	ctl_world_facts(&t.w, "ca/root", 1000, -1, 3650 * INT64_C(86400));
	ctl_world_facts(&t.w, "example.com/l00000", 1000, 60, 100 * 86400);
	ctl_world_facts(&t.w, "example.com/l00001", 1000, -1, 100 * 86400);
	CHECK_STARTS(say(&t, "discard"), "err bad-argument ");
	CHECK_STARTS(say(&t, "discard example.com/none"), "err no-such-cert ");
	CHECK_STARTS(say(&t, "discard example.com/l00001"), "err no-next ");
	facts_copy(&fleet_find(t.w.fleet, "example.com/l00000")->facts, &left);
	left.next = (struct version_facts){ 0 };
	buf_add_char(&answer, '\n');
	facts_write(&left, &answer);
	facts_done(&left);
	CHECK_STR(say(&t, "discard example.com/l00000"), "");
	CHECK_STR(later(&t), "");
	REQUIRE(ctl_world_request());
	CHECK_ENDS(buf_text(&ctl_world_request()->text), "discard cert=example.com/l00000");
	ctl_world_answer(buf_text(&answer));
	CHECK_STARTS(later(&t), "row cert=example.com/l00000 discarded=");
	CHECK_ENDS(buf_text(&t.got), "ok rows=1\n");
	CHECK(!version_is_set(&fleet_find(t.w.fleet, "example.com/l00000")->facts.next.id));
	CHECK_STR(say(&t, "roll example.com/l00001 --force"),
		"err no-next \"example.com/l00001 has no next version to roll\"\n");
	ctl_world_facts(&t.w, "example.com/l00000", 1000, 60, 100 * 86400);
	CHECK_STR(say(&t, "roll example.com/l00000 --force"), "ok job=1\n");
	CHECK_STARTS(say(&t, "discard example.com/l00000"), "err busy ");
	talk_end(&t);
}

TEST(deploy)
{
	struct talk t;

	talk_begin_root(&t, 3);
	CHECK_STR(say(&t, "deploy"), "ok\n");
	CHECK_STARTS(say(&t, "deploy example.com/l00000"), "err no-such-version ");
	CHECK_STARTS(say(&t, "deploy example.com/l00001"), "err no-such-target ");
	ctl_world_facts(&t.w, "example.com/l00000", 1000, -1, 100 * 86400);
	CHECK_STR(say(&t, "deploy"), "ok job=1\n");
	talk_end(&t);
}
