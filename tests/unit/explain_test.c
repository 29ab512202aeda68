/* SPDX-License-Identifier: MIT */
#include "daemon/cert/explain.h"

#include "lib/base/buf.h"
#include "tests/unit/cert_world.h"
#include "tests/test.h"

static void collect(const char *sentence, void *data)
{
	buf_printf(data, "%s\n", sentence);
}

TEST(explanation)
{
	static const char *const wants[] = { "make the next version the current one at",
		"The next version was stored at 2026-11-21T10:14:58Z and min_age is 5s",
		"Issuing or rolling failed 3 times in a row since",
		"the disk is full (disk-full)", "Target web has no version yet.",
		"The CA root signs with ca/root" };
	struct world w;
	struct cert_facts facts = { .cert = "g/leaf" };
	struct issuer issuer = {
		.is_local = true, .is_set = true, .not_after = { T0 + 100000 }
	};
	AUTO_BUF struct buf text = BUF_INIT;
	char disk_full[] = "the disk is full";

	world_init(&w);
	w.roll.min_age = SECONDS(5);
	facts.curr = world_version(&w, T0 - 60, 100);
	facts.next = world_version(&w, T0 - 2, 100);
	facts.failure = (struct failure){ ERR_DISK_FULL, 3, { T0 - 90 }, { T0 - 80 }, { 0 },
		disk_full };
	w.certs[LEAF].n_targets = 1;
	cert_explain(&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 }, NULL,
		collect, &text);
	/* A target is due now; the guards of the roll are told all the same. */
	CHECK(strstr(buf_text(&text), "Due now is to deploy to web"));
	for (size_t i = 1; i < ARRAY_LEN(wants); i++)
		if (!strstr(buf_text(&text), wants[i]))
			TEST_FAIL("no \"%s\" in:\n%s", wants[i], buf_text(&text));
	w.certs[LEAF].n_targets = 0;
	cert_explain(&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 }, NULL,
		collect, &text);
	CHECK(strstr(buf_text(&text), wants[0]));
}

TEST(explanation_of_what_is_tried_again_at_once)
{
	char text[] = "the disk was full";
	struct world w;
	struct cert_facts facts = { .cert = "g/leaf", .looked = { T0 - 10 } };
	struct issuer issuer = {
		.is_local = true, .is_set = true, .not_after = { T0 + 100000 }
	};
	AUTO_BUF struct buf out = BUF_INIT;

	world_init(&w);
	w.certs[LEAF].n_targets = 0;
	facts.curr = world_version(&w, T0 - 60, 100);
	facts.failure =
		(struct failure){ ERR_DISK_FULL, 3, { T0 - 90 }, { T0 - 80 }, { 0 }, text };
	cert_explain(&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 }, NULL,
		collect, &out);
	if (!strstr(buf_text(&out),
		    "(disk-full); an operator ended the wait for the next try.\n"))
		TEST_FAIL("%s", buf_text(&out));
}

TEST(explanation_of_renewal_information)
{
	static const char *const wants[] = {
		"The CA wants it renewed between 2026-11-21T10:20:00Z and 2026-11-21T10:40:00Z",
		"the moment chosen in that window is 2026-11-21T10:25:00Z (in 9m 50s).",
		"The CA explains that at https://ca.example/why.",
		"The CA is asked about it again at 2026-11-21T10:16:00Z (in 50s).",
		"The CA asks not to come back before 2026-11-21T12:15:00Z (in 1h 59m)."
	};
	char why[] = "https://ca.example/why", text[] = "the CA is being mended";
	struct world w;
	struct cert_facts facts = { .cert = "g/leaf" };
	struct issuer issuer = { .ca = CA_SELF };
	AUTO_BUF struct buf out = BUF_INIT;

	world_init(&w);
	w.renew.ari = true;
	w.certs[LEAF].n_targets = 0;
	facts.curr = world_version(&w, T0 - 600, 3600);
	facts.ari = (struct ari_facts){ facts.curr.id, { T0 + 300 }, { T0 + 1500 },
		{ T0 + 600 }, { T0 + 60 }, why };
	facts.failure = (struct failure){ ERR_TIMEOUT, 1, { T0 }, { T0 }, { T0 + 7200 }, text };
	cert_explain(&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 + 10 },
		NULL, collect, &out);
	for (size_t i = 0; i < ARRAY_LEN(wants); i++)
		if (!strstr(buf_text(&out), wants[i]))
			TEST_FAIL("no \"%s\" in:\n%s", wants[i], buf_text(&out));
	w.renew.ari = false;
	buf_clear(&out);
	cert_explain(&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 + 10 },
		NULL, collect, &out);
	CHECK(strstr(buf_text(&out), "is not followed (ari: false)"));
}

TEST(explanation_of_an_order)
{
	char url[] = "https://ca.example/order/7", ca[] = "letsencrypt", text[] = "it is down";
	struct world w;
	struct cert_facts facts = { .cert = "g/leaf" };
	struct issuer issuer = { .ca = CA_SELF };
	AUTO_BUF struct buf out = BUF_INIT;

	world_init(&w);
	w.certs[LEAF].n_targets = 0;
	facts.order = (struct order_facts){ url, ca, { T0 - 60 }, { T0 + 3600 } };
	facts.failure = (struct failure){ ERR_CA_DOWN, 4, { T0 }, { T0 }, { T0 + 1800 }, text };
	cert_explain(&w.certs[LEAF], &w.conf, &facts, &issuer, (struct instant){ T0 }, NULL,
		collect, &out);
	CHECK(strstr(buf_text(&out), "An order is in flight at the CA letsencrypt, placed at "
				     "2026-11-21T10:14:00Z (1m "
				     "ago)."));
	CHECK(strstr(buf_text(&out), "The CA keeps it until 2026-11-21T11:15:00Z (in 1h)."));
	CHECK(strstr(
		buf_text(&out), "The CA is not asked before 2026-11-21T10:45:00Z (in 30m)."));
	CHECK(strstr(buf_text(&out), "the CA counts as down and is left alone for a while"));
}
