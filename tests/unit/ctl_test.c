/* SPDX-License-Identifier: MIT */
#include "tests/unit/ctl_talk.h"

#include "daemon/job/dns_check.h"

TEST(every_command_has_its_handler)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		bool is_ours = commands[i].role != ROLE_OFFLINE;

		if (is_ours != (command_handlers[i] != NULL))
			TEST_FAIL("%s", commands[i].name);
	}
}

TEST(roles)
{
	static struct principal observe[] = { { "adm", true, true, 4 },
		{ "u", false, true, 10 }, { "typo", false, false, 11 } };
	static struct principal operate[] = { { "ops", true, true, 5 } };
	static struct principal admin[] = { { "boss", false, true, 12 } };
	static const struct row {
		uid_t uid;
		gid_t gid, group;
		bool own;
		enum role role;
	} rows[] = {
		{ 0, 0, 0, false, ROLE_ADMIN },
		{ 1, 1, 1, false, ROLE_NONE },
		{ 1, 4, 1, false, ROLE_OBSERVE },
		{ 1, 1, 4, false, ROLE_OBSERVE },
		{ 10, 1, 1, false, ROLE_OBSERVE },
		{ 11, 1, 1, false, ROLE_NONE },
		{ 1, 4, 5, false, ROLE_OPERATE },
		{ 10, 1, 5, false, ROLE_OPERATE },
		{ 12, 4, 5, false, ROLE_ADMIN },
		{ 4, 1, 1, false, ROLE_NONE },
		{ 900, 1, 1, false, ROLE_NONE },
		{ 900, 1, 1, true, ROLE_ADMIN },
		{ 1, 900, 900, true, ROLE_NONE },
	};
	struct talk t;

	talk_begin_root(&t, 1);
	t.w.fleet->conf->observe = (struct principals){ observe, ARRAY_LEN(observe) };
	t.w.fleet->conf->operate = (struct principals){ operate, ARRAY_LEN(operate) };
	t.w.fleet->conf->admin = (struct principals){ admin, ARRAY_LEN(admin) };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		gid_t group = rows[i].group;
		struct peer peer = {
			.uid = rows[i].uid, .gid = rows[i].gid, .groups = &group, .n_groups = 1
		};

		t.w.ctl.is_own_admin = rows[i].own;
		if (peer_role(&peer, &t.w.ctl) != rows[i].role)
			TEST_FAIL("row %zu", i);
	}
	talk_end(&t);
}

TEST(a_role_may_be_taken_away)
{
	static struct principal some[] = { { "u", false, true, 10 } };
	struct talk t;

	talk_begin(&t, 1, &(struct peer){ .uid = 10, .gid = 10 });
	t.w.fleet->conf->admin = t.w.fleet->conf->operate = t.w.fleet->conf->observe =
		(struct principals){ NULL, 0 };
	CHECK_STARTS(say(&t, "status"), "err not-allowed ");
	CHECK_STARTS(say(&t, "reload"), "err not-allowed ");
	CHECK_STARTS(
		say(&t, "version"), "row program=certd version=1.2.3 proto=1 role=none\nok");
	CHECK_STARTS(say(&t, "help"), "row command=status ");
	/* Names of two words, as one types them. */
	CHECK_STARTS(say(&t, "help dns check"), "row command=\"dns check\" ");
	CHECK_STARTS(say(&t, "help dns"), "row command=\"dns check\" ");
	CHECK_STARTS(say(&t, "help version dns check"), "row command=\"dns check\" ");
	CHECK_STARTS(say(&t, "help dn"), "err unknown-command ");
	CHECK_STARTS(say(&t, "help dns nonsense"), "err unknown-command ");
	t.w.fleet->conf->observe = (struct principals){ some, 1 };
	CHECK_ENDS(say(&t, "status"), "ok rows=3\n");
	CHECK_STARTS(say(&t, "renew"), "err not-allowed ");
	CHECK_STR(say(&t, "watch"), "ok\n");
	t.w.fleet->conf->observe.n = 0;
	log_event(NULL, EVENT_JOB_DONE, NULL, "secret");
	CHECK_STARTS(later(&t), "err not-allowed ");
	talk_end(&t);
}

TEST(greeting)
{
	struct talk t;
	struct session session;

	talk_begin_root(&t, 1);
	session_init(&session, &t.w.ctl, &(struct peer){ .uid = 77 }, wake);
	CHECK_STR(buf_text(&session.out), "hello certd proto=1 version=1.2.3 role=none\n");
	CHECK(!session_pull(&session));
	CHECK(!session_is_over(&session));
	session_done(&session);
	talk_end(&t);
}

TEST(bad_lines)
{
	static const char *const bad[] = { "version \"", "version  x", " version",
		"version x=\"a", "version \"a\"b", "version \xff\xfe", "\"\\q\"", "" };
	char *big = mem_zalloc(200001);
	struct talk t;

	talk_begin_root(&t, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK_STARTS(say(&t, bad[i]), "err bad-line ");
		CHECK_INT(count(buf_text(&t.got), "\n"), 1);
		CHECK_ENDS(say(&t, "version"), "ok rows=1\n");
	}
	buf_clear(&t.got);
	session_feed(&t.session, "ver\0sion\n", 9);
	pull(&t);
	CHECK_STARTS(buf_text(&t.got), "err bad-line ");
	memset(big, 'x', 200000);
	CHECK_STARTS(say(&t, big), "err bad-line ");
	CHECK_INT(count(buf_text(&t.got), "\n"), 1);
	CHECK_ENDS(say(&t, "version"), "ok rows=1\n");
	big[LINE_MAX_LEN] = '\0';
	CHECK_STARTS(say(&t, big), "err unknown-command ");
	big[LINE_MAX_LEN] = 'x';
	big[LINE_MAX_LEN + 1] = '\0';
	CHECK_STARTS(say(&t, big), "err bad-line ");
	CHECK_STARTS(say(&t, "nonsense"), "err unknown-command ");
	CHECK_STARTS(say(&t, "roll --force=ready"), "err bad-argument ");
	CHECK_STARTS(say(&t, "config check"), "err unknown-command ");
	free(big);
	talk_end(&t);
}

/* However the bytes are cut, the answers are the same; and many requests sent ahead are all answered. */
TEST(cuts)
{
	static const char text[] = "version\nstatus ca/root\nnonsense\nhelp version\njobs\n";
	struct buf whole = BUF_INIT;
	struct talk t;

	talk_begin_root(&t, 3);
	session_feed(&t.session, text, sizeof(text) - 1);
	pull(&t);
	buf_add(&whole, t.got.data, t.got.len);
	CHECK_INT(count(buf_text(&whole), "\nok"), 4);
	for (size_t cut = 1; cut < sizeof(text) - 1; cut += 3) {
		buf_clear(&t.got);
		for (size_t at = 0; at < sizeof(text) - 1; at += cut) {
			size_t left = sizeof(text) - 1 - at;

			session_feed(&t.session, text + at, cut < left ? cut : left);
			pull(&t);
		}
		CHECK_STR(buf_text(&t.got), buf_text(&whole));
	}
	buf_clear(&t.got);
	for (int i = 0; i < 1000; i++)
		session_feed(&t.session, "version\n", 8);
	pull(&t);
	CHECK_INT(count(buf_text(&t.got), "ok rows=1\n"), 1000);
	buf_done(&whole);
	talk_end(&t);
}

TEST(status)
{
	struct talk t;

	talk_begin_root(&t, 3);
	ctl_world_facts(&t.w, "example.com/l00001", 1000, 10, 100 * 86400);
	CHECK_STARTS(
		say(&t, "status"), "row cert=ca/root ca=self health=absent action=issue at=");
	CHECK_ENDS(buf_text(&t.got), "ok rows=5\n");
	CHECK_STARTS(say(&t, "status example.com/l00001"),
		"row cert=example.com/l00001 ca=root health=");
	CHECK(strstr(buf_text(&t.got), " curr=20261121T095820Z-1 curr_expires=2027-03-01T"));
	CHECK(strstr(buf_text(&t.got), " next=20261121T101450Z-2 next_expires="));
	CHECK_ENDS(say(&t, "status example.com"), "ok rows=3\n");
	CHECK_ENDS(say(&t, "status *"), "ok rows=5\n");
	CHECK_ENDS(say(&t, "status example.com/l0000*"), "ok rows=3\n");
	CHECK_ENDS(say(&t, "status */l*1"), "ok rows=1\n");
	CHECK_ENDS(say(&t, "status ca/root example.com/l00002 ca/root"), "ok rows=2\n");
	CHECK_ENDS(say(&t, "status ca/root example.com"), "ok rows=4\n");
	CHECK_ENDS(say(&t, "status ca"), "ok rows=1\n");
	CHECK_STR(say(&t, "status example.com/l00009"),
		"err no-such-cert \"no certificate is called example.com/l00009; did you mean "
		"example.com/l00000?\"\n");
	CHECK_STARTS(say(&t, "status c"), "err no-such-cert ");
	CHECK_STARTS(say(&t, "status nothing.org/*"), "err no-such-cert ");
	CHECK_STARTS(say(&t, "show example.com"), "err no-such-cert ");
	CHECK_STARTS(
		say(&t, "show example.com/l00000"), "row kind=cert cert=example.com/l00000 ");
	CHECK(strstr(buf_text(&t.got), "row kind=target target=web dir=/nonexistent/live"));
	CHECK_STARTS(say(&t, "why example.com/l00000"), "row text=");
	talk_end(&t);
}

/* A long list costs a bounded queue, and the configuration may change in the middle of it. */
TEST(long_lists)
{
	struct talk t;
	struct conf *fewer;
	char *text;

	talk_begin_root(&t, 3000);
	text = (char *)(uintptr_t)say(&t, "status");
	CHECK_ENDS(text, "ok rows=3002\n");
	CHECK(t.most < SESSION_OUT_LOW + LINE_MAX_LEN);
	CHECK_ENDS(say(&t, "status */none*"), "\n");
	CHECK_STARTS(buf_text(&t.got), "err no-such-cert");
	session_feed(&t.session, "status\n", 7);
	buf_clear(&t.got);
	CHECK(session_pull(&t.session));
	fewer = ctl_world_conf(10);
	fleet_set_conf(t.w.fleet, fewer);
	pull(&t);
	text = buf_text(&t.got)[0] ? t.got.data : "";
	CHECK_ENDS(text, "\n");
	CHECK_INT(count(text, "row cert=other.org/off "), 1);
	CHECK_INT(count(text, "\nok rows="), 1);
	CHECK(count(text, "\n") < 200);
	talk_end(&t);
}

TEST(versions)
{
	struct talk t;

	talk_begin_root(&t, 2);
	CHECK_STR(say(&t, "versions example.com/l00000"), "");
	CHECK_STR(later(&t), "");
	REQUIRE(ctl_world_request());
	CHECK_ENDS(buf_text(&ctl_world_request()->text), "versions cert=example.com/l00000");
	ctl_world_answer("\nversion=20261121T095820Z-1 link=curr\nversion=20261121T095820Z-2");
	CHECK_STR(later(&t), "row version=20261121T095820Z-1 link=curr\n"
			     "row version=20261121T095820Z-2\nok rows=2\n");
	CHECK_INT(t.n_wakes, 1);
	/* What is sent ahead waits; a session that goes away takes its request back. */
	CHECK_STR(say(&t, "versions ca/root"), "");
	CHECK_STR(say(&t, "version"), "");
	CHECK_STR(later(&t), "");
	talk_end(&t);
}

TEST(a_rollover_names_an_acme_ca)
{
	struct talk t;

	talk_begin_root(&t, 1);
	CHECK_STARTS(say(&t, "accounts rollover=nowhere"), "err bad-argument ");
	CHECK_STARTS(say(&t, "accounts rollover=root"), "err bad-argument ");
	CHECK_STARTS(say(&t, "accounts rollover"), "err bad-argument ");
	CHECK_STARTS(say(&t, "accounts --rollover"), "err bad-argument ");
	talk_end(&t);
}

TEST(revoke)
{
	struct talk t;

	talk_begin_root(&t, 1);
	CHECK_STARTS(say(&t, "revoke"), "err bad-argument ");
	CHECK_STARTS(say(&t, "revoke example.com/l00009"), "err no-such-cert ");
	CHECK_STARTS(say(&t, "revoke example.com/l00000"), "err no-such-version ");
	ctl_world_facts(&t.w, "example.com/l00000", 1000, -1, 100 * 86400);
	CHECK_STARTS(say(&t, "revoke example.com/l00000 reason=whim"), "err bad-argument ");
	CHECK(strstr(buf_text(&t.got), "key-compromise"));
	CHECK_STARTS(say(&t, "revoke example.com/l00000 reason=1"), "err bad-argument ");
	CHECK_STARTS(say(&t, "revoke example.com/l00000 version=1"), "err bad-value ");
	CHECK_STARTS(
		say(&t, "revoke example.com/l00000 reason=superseded --now"), "err ca-down ");
	CHECK_STR(say(&t, "jobs"), "ok rows=0\n");
	talk_end(&t);
}

TEST(only_root_revokes_what_is_in_use)
{
	struct principal me = { .is_known = true, .id = 7 };
	struct talk t;
	struct conf *conf;

	talk_begin(&t, 1, &(struct peer){ .uid = 7 });
	conf = t.w.fleet->conf;
	t.w.admin = conf->admin;
	conf->admin = (struct principals){ &me, 1 };
	ctl_world_facts(&t.w, "example.com/l00000", 1000, -1, 100 * 86400);
	CHECK_STARTS(say(&t, "revoke example.com/l00000 --now"), "err not-allowed ");
	CHECK_STARTS(say(&t, "revoke example.com/l00000"), "err ca-down ");
	conf->admin = t.w.admin;
	talk_end(&t);
}

TEST(prune)
{
	struct talk t;

	talk_begin_root(&t, 2);
	CHECK_STR(say(&t, "prune example.com keep=3"), "");
	for (int i = 0; i < 2; i++) {
		loop_run(t.w.loop);
		REQUIRE(ctl_world_request());
		CHECK_ENDS(buf_text(&ctl_world_request()->text),
			i ? "prune cert=example.com/l00001 keep=3"
			  : "prune cert=example.com/l00000 keep=3");
		ctl_world_answer(" n=7");
		loop_run(t.w.loop);
		pull(&t);
	}
	CHECK_STR(buf_text(&t.got), "row cert=example.com/l00000 pruned=7\n"
				    "row cert=example.com/l00001 pruned=7\nok rows=2\n");
	CHECK_STARTS(say(&t, "prune keep=x"), "err bad-argument ");
	talk_end(&t);
}

TEST(dns_check)
{
	static struct principal some[] = { { "u", false, true, 10 } };
	struct talk t;

	talk_begin(&t, 1, &(struct peer){ .uid = 10, .gid = 10 });
	t.w.fleet->conf->observe = (struct principals){ some, 1 };
	CHECK_STARTS(say(&t, "dns check"), "err bad-argument ");
	CHECK_STARTS(say(&t, "dns check a b"), "err bad-argument ");
	CHECK_STARTS(say(&t, "dns check example.com --force"), "err bad-argument ");
	CHECK_STARTS(say(&t, "dns"), "err unknown-command ");
	/* This world asks nobody; daemons that do are in tests/sim/dns_check_sim.c. */
	CHECK_STARTS(say(&t, "dns check example.com --wait"), "err dns ");
	t.w.fleet->conf->observe.n = 0;
	CHECK_STARTS(say(&t, "dns check example.com"), "err not-allowed ");
	talk_end(&t);
}

TEST(what_a_name_means_to_dns_check)
{
	static const struct {
		const char *text, *owner; /* with type 0: what is said */
		uint16_t type;
	} rows[] = {
		{ "example.com", "_acme-challenge.example.com", DNS_TXT },
		{ "WWW.Example.com.", "_acme-challenge.www.example.com", DNS_TXT },
		{ "*.example.com", "_acme-challenge.example.com", DNS_TXT },
		{ "_acme-challenge.example.com", "_acme-challenge.example.com", DNS_TXT },
		{ "_validation-persist.a.test", "_validation-persist.a.test", DNS_TXT },
		{ "_25._TCP.mail.a.test", "_25._tcp.mail.a.test", DNS_TLSA },
		{ "_25.a.test", "_25.a.test", DNS_TXT },
		{ "_._tcp.a.test", "_._tcp.a.test", DNS_TXT },
		{ "b\xc3\xbc.test", "_acme-challenge.xn--b-eha.test", DNS_TXT },
		{ "*._tcp.a.test", "_acme-challenge._tcp.a.test", DNS_TXT },
		{ "", "the name is empty", 0 },
		{ ".", "a name is needed, not the root", 0 },
		{ "a..b", "a..b", 0 },
		{ "a.*.test",
			"a.*.test is not the name of a certificate: a wildcard is the whole "
			"first label",
			0 },
		{ "*.*.test", "*.*.test is not", 0 },
		{ "a*.test", "a*.test is not", 0 },
		{ "192.0.2.1", "192.0.2.1 is an address, not a name", 0 },
		{ "2001:db8::1", "2001:db8::1 is an address, not a name", 0 },
	};
	char longest[245], owner[DNS_NAME_LEN];
	struct err err = ERR_INIT;
	uint16_t type;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int got = dns_check_target(rows[i].text, owner, &type, &err);

		if ((got == 0) != (rows[i].type != 0))
			TEST_FAIL("%s: %d", rows[i].text, got);
		if (got < 0)
			CHECK(strstr(err.text, rows[i].owner) != NULL);
		if (got < 0 || rows[i].type == 0)
			continue;
		CHECK_STR(owner, rows[i].owner);
		CHECK_INT(type, rows[i].type);
	}
	/* A name that is one, but has no room for what goes before it. */
	memset(longest, 'a', sizeof(longest));
	for (size_t i = 60; i < sizeof(longest) - 1; i += 61)
		longest[i] = '.';
	longest[sizeof(longest) - 2] = 'a';
	longest[sizeof(longest) - 1] = '\0';
	CHECK_INT(dns_check_target(longest, owner, &type, &err), -1);
	CHECK_INT(dns_check_target(longest + 20, owner, &type, &err), 0);
}

TEST(reload)
{
	struct err err = ERR_INIT;
	struct session second;
	struct talk t;

	talk_begin_root(&t, 1);
	CHECK_STR(say(&t, "reload"), "");
	CHECK_INT(t.w.n_reloads, 1);
	session_init(&second, &t.w.ctl, &(struct peer){ .uid = 0 }, wake);
	buf_clear(&second.out);
	session_feed(&second, "reload\n", 7);
	session_pull(&second);
	CHECK_STARTS(buf_text(&second.out), "err busy ");
	ctl_reloaded(&t.w.ctl, NULL, NULL);
	CHECK_STR(later(&t), "ok\n");
	CHECK_STR(say(&t, "reload"), "");
	err_set(&err, ERR_BAD_CONFIG, "the configuration has mistakes");
	ctl_reloaded(&t.w.ctl, &err, "f:1:2: error: a: b\nf:2:1: error: c: d\n");
	CHECK_STR(later(&t),
		"row text=\"f:1:2: error: a: b\"\nrow text=\"f:2:1: error: c: d\"\n"
		"err bad-config \"the configuration has mistakes\"\n");
	CHECK_STR(say(&t, "reload"), "");
	session_done(&second);
	talk_end(&t);
}
