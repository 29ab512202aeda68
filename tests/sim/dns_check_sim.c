/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include <pwd.h>

#include "lib/wire/dns_message.h"
#include "tests/sim/acme.h"

/*
 * `certctl dns check` in a world of name servers that agree, differ, lag, are silent or lead in circles; and what `why`
 * and `status` tell of an order that waits for them.
 */

#define OWNER "_acme-challenge.example.com"
#define NS3 "192.0.2.3"
#define NO_EXTRA "dns: {extra_nameservers: []}\n"

static void begin(struct sim *sim, const char *config)
{
	sim_open(sim, config, 1);
	sim->may_expire = true;
	sim_acme(sim, A_TEST);
}

static const char *say_as(struct sim *sim, uid_t uid, const char *command)
{
	sim->user = uid;
	sim_command(sim, command);
	sim->user = 0;
	return buf_text(&sim->said);
}

/* Runs the command to the end of its job, and returns all that the job has said. */
static const char *check_as(struct sim *sim, uid_t uid, const char *command)
{
	const char *said = say_as(sim, uid, command);
	size_t before = sim_count(sim, EVENT_JOB_DONE, NULL);
	char *watch AUTO_FREE = NULL;

	if (!str_starts(said, "ok job="))
		return said;
	watch = mem_printf("watch %.*s", (int)strcspn(said + 3, "\n "), said + 3);
	for (int i = 0; i < 36000 && sim_count(sim, EVENT_JOB_DONE, NULL) == before; i++)
		sim_advance(sim, SECONDS(1));
	return sim_command(sim, watch);
}

static const char *check(struct sim *sim, const char *command)
{
	return check_as(sim, 0, command);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

static bool has(const char *said, const char *part)
{
	if (!strstr(said, part))
		TEST_FAIL("no %s in: %s", part, said);
	return true;
}

TEST(servers_agree)
{
	struct sim sim;
	const char *said;

	begin(&sim, ONE_CA NO_EXTRA ONE_CERT);
	said = check(&sim, "dns check example.com");
	CHECK_INT(count(said, "name=dns.answer "), 2);
	CHECK_INT(count(said, " observation=nxdomain serial=1 "), 2);
	has(said, " address=" WIRES_NS1 " server=ns1.example.com role=primary ");
	has(said, " address=" WIRES_NS2 " server=ns2.example.com role=authoritative ");
	has(said, "result=ok");
	/* However the name is written, it is the same place. */
	wires_add(&sim.wires, OWNER, DNS_TXT, "one");
	wires_add(&sim.wires, OWNER, DNS_TXT, "two");
	said = check(&sim, "dns check *.EXAMPLE.com.");
	CHECK_INT(count(said, " observation=match "), 2);
	has(said, "said=\"\\\"one\\\", \\\"two\\\"\" serial=3 ");
	has(said, "result=ok");
	said = check(&sim, "dns check " OWNER " --wait");
	CHECK_INT(count(said, " observation=match "), 2);
	has(said, "result=ok");
	has(check(&sim, "dns check _25._tcp.example.com"), "observation=nxdomain");
	sim_close(&sim);
}

TEST(a_server_lags)
{
	struct sim sim;
	const char *said;

	begin(&sim, ONE_CA NO_EXTRA ONE_CERT);
	wires_serve(&sim.wires, "example.com", "ns3.example.com", NS3, 20000);
	wires_add(&sim.wires, OWNER, DNS_TXT, "one");
	said = check(&sim, "dns check example.com");
	CHECK_INT(count(said, "name=dns.answer "), 3);
	has(said, " address=" NS3
		  " server=ns3.example.com role=authoritative observation=older ");
	has(said, " error=not-visible ");
	has(said,
		"192.0.2.3 (ns3.example.com) shows an older version of the zone, its serial is "
		"behind by 1; 2 of 3 show the newest version");
	said = check(&sim, "dns check example.com --wait");
	has(said, "result=ok");
	/* What did not change is told once. */
	CHECK_INT(count(said, " address=" WIRES_NS1 " "), 1);
	CHECK_INT(count(said, " address=" NS3 " "), 2);
	sim_close(&sim);
}

TEST(the_primary_is_told_first)
{
	struct sim sim;
	const char *said;

	begin(&sim, ONE_CA NO_EXTRA ONE_CERT);
	wires_serve(&sim.wires, "example.com", "a.example.com", NS3, 0);
	said = check(&sim, "dns check example.com");
	CHECK_INT(count(said, "name=dns.answer "), 3);
	CHECK(strstr(said, "server=ns1.example.com role=primary") <
		strstr(said, "server=a.example.com"));
	CHECK(strstr(said, "server=a.example.com") < strstr(said, "server=ns2.example.com"));
	sim_close(&sim);
}

TEST(servers_differ)
{
	struct sim sim;
	const char *said;

	begin(&sim, ONE_CA "dns: {extra_nameservers: [], deadline: 1m}\n" ONE_CERT);
	wires_add(&sim.wires, OWNER, DNS_TXT, "one");
	sim_advance(&sim, SECONDS(1));
	wires_fault(&sim.wires, WIRES_NS2, WIRES_FROZEN);
	sim_advance(&sim, SECONDS(1));
	wires_remove(&sim.wires, OWNER, DNS_TXT, "one");
	wires_add(&sim.wires, OWNER, DNS_TXT, "two");
	said = check(&sim, "dns check example.com");
	has(said, "not all name servers of example.com show the same at " OWNER ": " WIRES_NS2
		  " (ns2.example.com) shows an older version of the zone, ");
	has(said, " address=" WIRES_NS1
		  " server=ns1.example.com role=primary observation=match ");
	has(said, " address=" WIRES_NS2
		  " server=ns2.example.com role=authoritative observation=older "
		  "said=\"\\\"one\\\"\" serial=2 ttl=60 ");
	said = check(&sim, "dns check example.com --wait");
	has(said, "show the same at");
	CHECK_INT(count(said, "name=dns.answer "), 2);
	/* Who has not heard that nothing is there any more is to blame, and not the others. */
	wires_remove(&sim.wires, OWNER, DNS_TXT, "two");
	said = check(&sim, "dns check example.com");
	has(said, " role=primary observation=nxdomain serial=5 ttl=60 ");
	has(said, " role=authoritative observation=older ");
	has(said, WIRES_NS2 " (ns2.example.com) shows an older version of the zone, ");
	wires_add(&sim.wires, OWNER, DNS_TXT, "three");
	wires_fault(&sim.wires, WIRES_NS2, WIRES_WELL);
	has(check(&sim, "dns check example.com --wait"), "result=ok");
	sim_close(&sim);
}

TEST(a_server_is_silent)
{
	static const struct {
		enum wires_fault fault;
		const char *observation;
	} rows[] = {
		{ WIRES_SILENT, " observation=timeout " },
		{ WIRES_REFUSES, " observation=refused " },
		{ WIRES_FAILS, " observation=servfail " },
		{ WIRES_LAME, " observation=lame " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		const char *said;

		begin(&sim, ONE_CA NO_EXTRA ONE_CERT);
		wires_add(&sim.wires, OWNER, DNS_TXT, "one");
		wires_fault(&sim.wires, WIRES_NS2, rows[i].fault);
		said = check(&sim, "dns check example.com");
		CHECK_INT(count(said, rows[i].observation), 1);
		has(said, " error=not-visible ");
		has(said, "1 of 2 show the newest version");
		/* Who says that there is nothing does not lack it. */
		said = check(&sim, "dns check www.example.com");
		has(said,
			"not all name servers of example.com answer about _acme-challenge.www."
			"example.com: 192.0.2.2 (ns2.example.com) ");
		has(said, "; 1 of 2 answer");
		CHECK_INT(count(said, "without the record"), 0);
		/* Who does not answer at all is not waited for until the deadline. */
		said = check(&sim, "dns check example.com --wait");
		CHECK_INT(count(said, rows[i].observation), 1);
		has(said, "result=ok");
		sim_close(&sim);
	}
}

TEST(trouble_is_one_sentence)
{
	struct sim sim;
	const char *said;

	begin(&sim, ONE_CA NO_EXTRA ONE_CERT);
	wires_add(&sim.wires, OWNER, DNS_CNAME, "b.example.com");
	wires_add(&sim.wires, "b.example.com", DNS_CNAME, OWNER);
	said = check(&sim, "dns check example.com");
	has(said, " error=dns-loop ");
	CHECK_INT(count(said, "name=dns.answer "), 0);
	wires_fault(&sim.wires, WIRES_NS1, WIRES_SILENT);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_SILENT);
	has(check(&sim, "dns check www.example.com"), " error=dns ");
	sim_close(&sim);
}

TEST(bounds)
{
	struct sim sim;

	begin(&sim, ONE_CA NO_EXTRA ONE_CERT);
	CHECK(str_starts(sim_command(&sim, "dns check"), "err bad-argument "));
	CHECK(str_starts(sim_command(&sim, "dns check a..b"), "err "));
	CHECK(str_starts(sim_command(&sim, "dns check ."), "err "));
	CHECK(str_starts(sim_command(&sim, "dns check 192.0.2.1"), "err bad-argument "));
	for (int i = 0; i < 2; i++) /* DNS_CHECKS_MAX */
		CHECK(str_starts(sim_command(&sim, "dns check example.com"), "ok job="));
	CHECK(str_starts(sim_command(&sim, "dns check example.com"), "err busy "));
	sim_advance(&sim, MINUTES(1));
	/* One that goes on may be cancelled, and a restart forgets it. */
	CHECK(str_starts(sim_command(&sim, "dns check example.com --wait"), "ok job="));
	sim_advance(&sim, SECONDS(2));
	has(sim_command(&sim, "jobs"), "action=dns-check ");
	sim_close(&sim);
}

/* A configured name without address is no server that agrees: it is told, and waited for like a silent one. */
TEST(a_configured_name_has_no_address)
{
	struct sim sim;
	const char *said;

	begin(&sim, ONE_CA "dns: {extra_nameservers: [], zones: {example.com: {nameservers: "
			   "[ns.nowhere.invalid, " WIRES_NS1 "]}}}\n" ONE_CERT);
	wires_add(&sim.wires, OWNER, DNS_TXT, "one");
	said = check(&sim, "dns check example.com");
	CHECK_INT(count(said, "name=dns.answer "), 2);
	has(said, " address=ns.nowhere.invalid role=authoritative observation=unresolved ");
	has(said, ": ns.nowhere.invalid has no address since ");
	has(said, "; 1 of 2 show the newest version");
	CHECK_INT(sim_count(&sim, EVENT_DNS_UNRESOLVED, NULL), 1);
	sim_advance(&sim, MINUTES(5));
	said = check(&sim, "dns check example.com --wait");
	CHECK_INT(count(said, " observation=unresolved "), 1);
	has(said, "result=ok");
	CHECK_INT(sim_count(&sim, EVENT_DNS_UNRESOLVED, NULL), 1);
	sim_close(&sim);
}

/* A look in rounds lasts as long as its asker's connection; others who look there, too, go on. */
TEST(who_leaves_ends_his_look)
{
	struct sim sim;

	begin(&sim, ONE_CA NO_EXTRA ONE_CERT);
	for (int i = 0; i < 3; i++) {
		CHECK(str_starts(sim_command(&sim, "dns check example.com --wait"), "ok job="));
		CHECK(str_starts(sim_command(&sim, "dns check example.com --wait"), "ok job="));
		sim_advance(&sim, SECONDS(2));
		has(sim_command(&sim, "jobs"), "action=dns-check ");
		sim_leave(&sim);
		sim_advance(&sim, SECONDS(1));
		CHECK_INT(count(sim_command(&sim, "jobs"), "action=dns-check "), 0);
	}
	CHECK(str_starts(sim_command(&sim, "dns check example.com"), "ok job="));
	sim_leave(&sim);
	has(sim_command(&sim, "jobs"), "action=dns-check ");
	has(check(&sim, "dns check example.com"), "result=ok");
	sim_close(&sim);
}

/* In seconds of virtual time. */
static int64_t checks_take(struct sim *sim, uid_t uid, int n)
{
	struct instant start = clock_now();

	for (int i = 0; i < n; i++)
		has(check_as(sim, uid, "dns check www.example.com"), "result=ok");
	return instant_since(clock_now(), start).s;
}

/* Who may only look has neither all places nor all events. */
TEST(observers_are_bounded)
{
	static const char config[] =
		"state_dir: /sim/state\n"
		"control: {socket: /sim/socket, observe: [nobody, bin], operate: [daemon]}\n"
		"http: {listen: ['[::]:80']}\n"
		"cas:\n" ACME_CA("a", "http-01") NO_EXTRA ONE_CERT;
	uid_t nobody = getpwnam("nobody")->pw_uid, operator= getpwnam("daemon")->pw_uid;
	struct sim sim;
	int64_t free_s;

	begin(&sim, config);
	for (int i = 0; i < 30; i++) {
		char name[40], address[40];

		snprintf(name, sizeof(name), "more%d.example.com", i);
		snprintf(address, sizeof(address), "198.18.1.%d", i + 1);
		wires_serve(&sim.wires, "example.com", name, address, 0);
	}
	sim_advance(&sim, MINUTES(1));
	for (int i = 0; i < 2; i++) /* DNS_CHECKS_OF_USER */
		CHECK(str_starts(
			say_as(&sim, nobody, "dns check example.com --wait"), "ok job="));
	CHECK(str_starts(say_as(&sim, nobody, "dns check example.com --wait"), "err busy "));
	has(say_as(&sim, nobody, "dns check example.com"), "2 of your checks");
	CHECK(str_starts(say_as(&sim, operator, "dns check example.com"), "ok job="));
	CHECK(str_starts(say_as(&sim, getpwnam("bin")->pw_uid, "dns check a.org"), "ok job="));
	sim_cancel_all(&sim);
	sim_advance(&sim, MINUTES(10));

	/* Half a minute is free, and each costs a second and a tenth for every server. */
	free_s = checks_take(&sim, operator, 20);
	CHECK(free_s <= 40);
	CHECK(checks_take(&sim, nobody, 5) <= 10);
	CHECK(checks_take(&sim, nobody, 15) >= 20 * 4 - 30 - 10);
	/* Somebody else has his own. */
	CHECK(checks_take(&sim, getpwnam("bin")->pw_uid, 5) <= 10);
	sim_close(&sim);
}

/* An order that waits for a name server says for which one, and so does its failure. */
TEST(the_world_has_a_say)
{
	struct sim sim;
	const char *said;

	begin(&sim, ONE_CA ONE_CERT);
	wires_add(&sim.wires, OWNER, DNS_TXT, "one");
	wires_fault(&sim.wires, "9.9.9.9", WIRES_SILENT);
	said = check(&sim, "dns check example.com");
	CHECK_INT(count(said, " role=extra observation=match "), 3);
	CHECK_INT(count(said, " address=9.9.9.9 role=extra observation=timeout "), 1);
	has(said, "result=ok");
	/* What is not everywhere is asked of nobody who would remember that. */
	said = check(&sim, "dns check www.example.com");
	CHECK_INT(count(said, " role=extra observation=unasked "), 4);
	has(said, "result=ok");
	wires_serve(&sim.wires, "example.com", "ns3.example.com", NS3, 20000);
	sim_advance(&sim, HOURS(1));
	wires_add(&sim.wires, "_acme-challenge.www.example.com", DNS_TXT, "two");
	said = check(&sim, "dns check www.example.com");
	CHECK_INT(count(said, " role=extra observation=unasked "), 4);
	has(said, " error=not-visible ");
	said = check(&sim, "dns check www.example.com --wait");
	CHECK_INT(count(said, " role=extra observation=match "), 3);
	CHECK_INT(count(said, "=unasked "), 0);
	CHECK_INT(count(said, " role=extra observation=nxdomain "), 0);
	has(said, "result=ok");
	sim_close(&sim);
}

TEST(why_tells_what_an_order_waits_for)
{
	struct sim sim;
	const char *said;

	begin(&sim, ACME_DAEMON
		"dns: {extra_nameservers: [], deadline: 2m, "
		"zones: {default: {publish: {type: command, add: [add], remove: [remove]}}}}\n"
		"cas:\n" ACME_CA("a",
			"dns-01") "groups:\n  example.com:\n"
				  "    web: {ca: a, names: [example.com, \"*.example.com\", "
				  "www.example.com], deploy: [front]}\n" FRONT);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_FROZEN);
	sim_advance(&sim, SECONDS(30));
	said = sim_command(&sim, "why " WEB);
	has(said, OWNER ": " WIRES_NS2 " (ns2.example.com) answers without the record");
	has(said, "_acme-challenge.www.example.com: " WIRES_NS2);
	/* Two records wait at the first, for the same server. */
	CHECK_INT(count(said, "; the order fails unless it is seen by "), 2);
	has(said, ", at the step dns.");
	/* Its value is what servers are judged by. */
	said = check(&sim, "dns check example.com");
	has(said, " address=" WIRES_NS1
		  " server=ns1.example.com role=primary observation=match ");
	has(said, " error=not-visible ");
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(10));
	has(sim_command(&sim, "status " WEB), WIRES_NS2 " (ns2.example.com) answers without");
	has(sim_command(&sim, "why " WEB), WIRES_NS2 " (ns2.example.com) answers without");
	sim_close(&sim);
}

TEST(a_name_means_the_record_of_its_challenge)
{
	static const struct {
		const char *challenge, *want;
	} rows[] = {
		{ "dns-01", "=\"" OWNER ": " },
		{ "dns-persist-01", "=\"_validation-persist.example.com: " },
		{ "dns-account-01", "._acme-challenge.example.com: " },
		{ "http-01", "=\"" OWNER ": " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf config AUTO_BUF = BUF_INIT;
		struct sim sim;

		buf_printf(&config,
			ACME_DAEMON "dns: {extra_nameservers: [], zones: {default: {publish: "
				    "{type: command, add: [add], remove: [remove]}}}}\n"
				    "cas:\n" ACME_CA("a", "%s") WEB_OF("a") FRONT,
			rows[i].challenge);
		begin(&sim, buf_text(&config));
		fake_acme_knobs(sim.acmes[0])->has_new_types = true;
		sim_advance(&sim, MINUTES(2));
		has(check(&sim, "dns check *.example.com"), rows[i].want);
		has(check(&sim, "dns check _x.example.com"), "=\"_x.example.com: ");
		sim_close(&sim);
	}
}
