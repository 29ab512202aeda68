/* SPDX-License-Identifier: MIT */
#include "tests/unit/ctl_talk.h"

/* Having it said again what DNS should say: for a certificate, and everywhere. */

TEST(for_a_certificate)
{
	struct zone_conf zone = { .name = "example.com",
		.publish = { .type = PUBLISH_UPDATE } };
	struct conf *conf;
	struct talk t;

	talk_begin_root(&t, 2);
	conf = t.w.fleet->conf;
	CHECK_STARTS(say(&t, "publish example.com/l00000"), "err not-found ");
	conf->dns.zones = &zone;
	conf->dns.n_zones = 1;
	CHECK_STR(say(&t, "publish example.com/l00000"), "ok job=1\n");
	CHECK_STR(later(&t), "");
	REQUIRE(ctl_world_request());
	CHECK_ENDS(buf_text(&ctl_world_request()->text), "refresh zone=example.com force=yes");
	ctl_world_answer("");
	CHECK_STR(later(&t), "");
	CHECK_STR(say(&t, "jobs"), "ok rows=0\n");
	conf->dns.n_zones = 0;
	talk_end(&t);
}

/* A challenge is out just while its certificate has a job. */
TEST(beside_a_job_of_the_certificate)
{
	struct zone_conf zone = { .name = "example.com",
		.publish = { .type = PUBLISH_UPDATE } };
	struct conf *conf;
	struct talk t;

	talk_begin_root(&t, 2);
	conf = t.w.fleet->conf;
	conf->dns.zones = &zone;
	conf->dns.n_zones = 1;
	CHECK_STR(say(&t, "renew example.com/l00000 --force"), "ok job=1\n");
	CHECK_STR(say(&t, "publish example.com/l00000"), "ok job=2\n");
	CHECK_STARTS(say(&t, "publish example.com/l00000"), "err busy ");
	CHECK_STR(say(&t, "publish example.com/*"), "ok job=3\n");
	conf->dns.n_zones = 0;
	talk_end(&t);
}

static void expect_zone(const char *zone)
{
	char want[100];

	snprintf(want, sizeof(want), "refresh zone=%s force=yes", zone);
	REQUIRE(ctl_world_request());
	CHECK_ENDS(buf_text(&ctl_world_request()->text), want);
	ctl_world_answer("");
}

/* Where aliases lead is no zone of any certificate. */
TEST(in_all_zones)
{
	struct zone_conf zones[] = {
		{ .name = "a.net", .publish = { .type = PUBLISH_COMMAND } },
		{ .name = "b.net", .publish = { .type = PUBLISH_NONE } },
		{ .name = "c.net", .publish = { .type = PUBLISH_INCLUDE } },
		{ .name = "d.net", .publish = { .type = PUBLISH_INCLUDE, .acme_dir = "/x" } },
		{ .name = "e.net", .publish = { .type = PUBLISH_UPDATE } },
	};
	struct zone_conf fallback = { .publish = { .type = PUBLISH_UPDATE } };
	struct conf *conf;
	struct talk t;

	talk_begin_root(&t, 2);
	conf = t.w.fleet->conf;
	CHECK_STR(say(&t, "publish"), "ok\n");
	conf->dns.zones = zones;
	conf->dns.n_zones = ARRAY_LEN(zones);
	conf->dns.fallback = &fallback;
	CHECK_STR(say(&t, "publish"), "ok job=1\n");
	CHECK_STR(later(&t), "");
	CHECK_STARTS(say(&t, "publish"), "err busy ");
	expect_zone("a.net");
	expect_zone("d.net");
	expect_zone("e.net");
	expect_zone("example.com");
	CHECK_STR(later(&t), "");
	CHECK(!ctl_world_request());
	CHECK_STR(say(&t, "jobs"), "ok rows=0\n");
	conf->dns.n_zones = 0;
	conf->dns.fallback = NULL;
	talk_end(&t);
}
