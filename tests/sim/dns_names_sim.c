/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/* What is found out about names before a CA is asked: where their records lie, CAA, records that stay. */

#define HEAD(zones, challenge)                                                                 \
	ACME_DAEMON DNS_OF("extra_nameservers: []", zones) "cas:\n" ACME_CA("a", challenge)
#define CERT(names)                                                                            \
	"groups:\n  example.com:\n    web: {ca: a, names: [" names "], deploy: "               \
	"[front]}\n" FRONT
#define APEX HEAD(DNS_ZONES, "dns-01") CERT("example.com")
#define NET "challenges.net: " DNS_PUBLISH
#define OWNER "_acme-challenge.example.com"
#define N(n) "_n" n "._acme-challenge.example.com"
#define CUSTOMER "_acme-challenge.www.customer.net"
#define PERSIST "_validation-persist.example.com"
#define ACCOUNT A_TEST "account/1"

static struct fake_acme *begin(struct sim *sim, const char *config)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	fake_acme_knobs(acme)->has_new_types = true;
	fake_acme_knobs(acme)->identity = "ca.test";
	wires_serve(&sim->wires, "net", "ns.net", "203.0.113.2", 0);
	wires_serve(&sim->wires, "challenges.net", "ns1.challenges.net", "192.0.2.21", 0);
	wires_serve(&sim->wires, "challenges.net", "ns2.challenges.net", "192.0.2.22", 15000);
	return acme;
}

static bool why_says(struct sim *sim, const char *text)
{
	bool says = strstr(sim_command(sim, "why " WEB), text) != NULL;

	if (!says)
		printf("# %s\n", buf_text(&sim->said));
	return says;
}

/* No order is placed, and nothing published. */
static void expect_refusal(struct sim *sim, const char *code, const char *text)
{
	const struct acme_counts *counts = fake_acme_counts(sim->acmes[0]);

	sim_until(sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK(why_says(sim, code));
	CHECK(why_says(sim, text));
	CHECK_INT(counts->n_orders, 0);
	CHECK_INT(sim->town.n_published, 0);
}

static void expect_issue(struct sim *sim, struct duration at_most)
{
	const struct acme_counts *counts = fake_acme_counts(sim->acmes[0]);

	sim_until(sim, EVENT_CERT_DEPLOYED, WEB, at_most);
	sim_rest(sim, MINUTES(5));
	sim_expect_settled(sim);
	CHECK_INT(counts->n_orders, 1);
	CHECK_INT(counts->n_issued, 1);
	CHECK_INT(counts->n_invalid, 0);
}

TEST(a_record_lies_where_aliases_lead)
{
	static const char *const chains[][4] = {
		{ OWNER, "example-com.challenges.net" },
		{ OWNER, "a.example.com", "b.challenges.net", "example-com.challenges.net" },
	};

	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		struct sim sim;
		int before = test_failures;

		begin(&sim, HEAD(DNS_ZONES ", " NET, "dns-01")
				    CERT("example.com, '*.example.com'"));
		for (size_t k = 0; k + 1 < ARRAY_LEN(*chains) && chains[i][k + 1]; k++)
			wires_add(&sim.wires, chains[i][k], DNS_CNAME, chains[i][k + 1]);
		wires_settle(&sim.wires);
		/* The other zone's servers are those that are waited for. */
		sim_advance(&sim, SECONDS(15));
		CHECK_INT(sim.town.n_published, 2);
		CHECK_INT(fake_acme_counts(sim.acmes[0])->n_asked[ASK_CHALLENGE], 0);
		expect_issue(&sim, MINUTES(1));
		sim_close(&sim);
		if (test_failures != before)
			printf("# chain %zu\n", i);
	}
}

/* Who asks the one that does not have it yet finds nothing, however many servers show the record. */
TEST(an_alias_is_waited_for_everywhere)
{
	struct sim sim;
	const struct acme_counts *counts;

	counts = fake_acme_counts(begin(
		&sim, HEAD(DNS_ZONES ", " NET, "dns-01") CERT("example.com, '*.example.com'")));
	/* The search for the record begins at the one before the last. */
	wires_serve(&sim.wires, "example.com", "ns3.example.com", "192.0.2.3", 0);
	wires_serve(&sim.wires, "example.com", "ns4.example.com", "192.0.2.4", 60000);
	wires_add(&sim.wires, OWNER, DNS_CNAME, "example-com.challenges.net");
	sim_advance(&sim, SECONDS(45));
	CHECK(wires_holds(&sim.wires, "example-com.challenges.net", DNS_TXT, NULL));
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 0);
	CHECK(why_says(&sim, OWNER ": 192.0.2.4 (ns4.example.com) answers without the record"));
	expect_issue(&sim, MINUTES(2));
	sim_close(&sim);
}

/* Nobody says that an alias may stand where a server never answers. */
TEST(an_alias_at_a_dead_server_is_believed)
{
	struct sim sim;

	begin(&sim, HEAD(DNS_ZONES ", " NET, "dns-01") CERT("example.com"));
	wires_add(&sim.wires, OWNER, DNS_CNAME, "example-com.challenges.net");
	wires_settle(&sim.wires);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_SILENT);
	expect_issue(&sim, MINUTES(2));
	sim_close(&sim);
}

TEST(aliases_in_a_circle_cost_no_order)
{
	struct sim sim;

	begin(&sim, APEX);
	wires_add(&sim.wires, OWNER, DNS_CNAME, "a.example.com");
	wires_add(&sim.wires, "a.example.com", DNS_CNAME, "b.example.com");
	wires_add(&sim.wires, "b.example.com", DNS_CNAME, OWNER);
	expect_refusal(&sim, "(dns-loop)",
		"in a circle: " OWNER " -> a.example.com -> b.example.com -> " OWNER);
	/* Once round. */
	CHECK(!strstr(sim_command(&sim, "why " WEB), "-> " OWNER " ->"));
	wires_remove(&sim.wires, OWNER, DNS_CNAME, "a.example.com");
	expect_issue(&sim, HOURS(25));
	sim_close(&sim);
}

TEST(aliases_of_themselves_and_long_chains_cost_no_order)
{
	struct sim sim;
	char name[40], target[40];

	begin(&sim, APEX);
	wires_add(&sim.wires, OWNER, DNS_CNAME, OWNER);
	expect_refusal(&sim, "(dns-loop)", "in a circle: " OWNER " -> " OWNER);
	sim_close(&sim);

	begin(&sim, APEX);
	wires_add(&sim.wires, OWNER, DNS_CNAME, N("1"));
	for (int i = 1; i < 9; i++) {
		snprintf(name, sizeof(name), N("%d"), i);
		snprintf(target, sizeof(target), N("%d"), i + 1);
		wires_add(&sim.wires, name, DNS_CNAME, target);
	}
	expect_refusal(&sim, "(dns-loop)", "lead too far: " OWNER " -> " N("1"));
	CHECK(why_says(&sim, "-> _n7._acme-challenge"));
	/* Eight are not too many. */
	wires_remove(&sim.wires, N("8"), DNS_CNAME, N("9"));
	expect_issue(&sim, HOURS(25));
	sim_close(&sim);
}

TEST(an_alias_into_a_zone_that_nobody_publishes_costs_no_order)
{
	struct sim sim;

	begin(&sim, APEX);
	wires_add(&sim.wires, OWNER, DNS_CNAME, "example-com.challenges.net");
	expect_refusal(&sim, "(bad-config)",
		"is an alias of example-com.challenges.net, which lies in no zone of "
		"dns.zones");
	CHECK_INT(sim_reload(&sim, HEAD(DNS_ZONES ", " NET, "dns-01") CERT("example.com")), 0);
	expect_issue(&sim, HOURS(25));
	sim_close(&sim);
}

/* Who runs the zone of one name could break others of ours: a wildcard's, or records that must be alone. */
TEST(an_alias_that_could_disturb_costs_no_order)
{
	static const struct {
		const char *owner, *refusal;
	} rows[] = {
		{ "shop.example.com",
			CUSTOMER " is an alias of shop.example.com, where a challenge could "
				 "disturb others; let it lead to _acme-challenge.example.com" },
		{ "_acme-challenge.shop.example.com", "could disturb others" },
		{ "2026._domainkey.example.com", "at _acme-challenge only" },
		{ "_acme-challenge.example.com", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;

		begin(&sim,
			HEAD(DNS_ZONES, "dns-01") CERT("'*.example.com', www.customer.net"));
		wires_serve(&sim.wires, "customer.net", "ns1.challenges.net", "192.0.2.21", 0);
		wires_add(&sim.wires, CUSTOMER, DNS_CNAME, rows[i].owner);
		if (rows[i].refusal) {
			expect_refusal(&sim, "(bad-config)", rows[i].refusal);
			wires_remove(&sim.wires, CUSTOMER, DNS_CNAME, rows[i].owner);
			wires_add(&sim.wires, CUSTOMER, DNS_CNAME, OWNER);
		}
		expect_issue(&sim, rows[i].refusal ? HOURS(25) : MINUTES(1));
		sim_close(&sim);
	}
}

TEST(a_delegation_below_has_servers_of_its_own)
{
	struct sim sim;

	begin(&sim, APEX);
	wires_serve(&sim.wires, OWNER, "ns1.challenges.net", "192.0.2.21", 40000);
	sim_advance(&sim, SECONDS(40));
	CHECK_INT(sim.town.n_published, 1);
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_asked[ASK_CHALLENGE], 0);
	expect_issue(&sim, MINUTES(1));
	sim_close(&sim);
}

/* Who has both zones does not tell in which of them a record stands that is there already. */
TEST(a_zone_below_at_the_same_servers_is_found)
{
	static const char below[] = "sub.example.com";
	struct sim sim;

	begin(&sim, HEAD("default: " DNS_PUBLISH, "dns-01") CERT("host.sub.example.com"));
	wires_serve(&sim.wires, below, "ns1.example.com", WIRES_NS1, 0);
	wires_serve(&sim.wires, below, "ns2.example.com", WIRES_NS2, 0);
	wires_serve(&sim.wires, below, "ns3.example.com", "192.0.2.3", 40000);
	wires_add(&sim.wires, "_acme-challenge.host.sub.example.com", DNS_TXT, "old");
	sim_advance(&sim, SECONDS(40));
	CHECK_INT(sim.town.n_published, 1);
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_asked[ASK_CHALLENGE], 0);
	CHECK(wires_asked(&sim.wires, "192.0.2.3") > 0);
	expect_issue(&sim, MINUTES(1));
	sim_close(&sim);
}

/* What the parent refers to is asked by the world, even when the zone forgot it. */
TEST(a_server_that_only_the_parent_names_is_waited_for)
{
	struct sim sim;

	begin(&sim, APEX);
	wires_serve(&sim.wires, "example.com", "ns3.example.com", "192.0.2.3", 25000);
	wires_hide(&sim.wires, "ns3.example.com");
	sim_advance(&sim, SECONDS(25));
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_asked[ASK_CHALLENGE], 0);
	CHECK(wires_asked(&sim.wires, "192.0.2.3") > 0);
	expect_issue(&sim, MINUTES(1));
	sim_close(&sim);
}

TEST(caa_records_allow_and_forbid)
{
	static const struct {
		const char *names, *owner, *texts[2], *refusal;
	} rows[] = {
		{ "example.com", "example.com", { "0 issue \"ca.test\"" }, NULL },
		{ "example.com", "example.com", { "0 issue \"other.test\"" },
			"the CAA records of example.com allow only other.test" },
		{ "a.b.example.com", "example.com", { "0 issue \"other.test\"" },
			"the CAA records of example.com allow only other.test" },
		{ "a.b.example.com", "com", { "0 issue \"other.test\"" },
			"the CAA records of com allow only other.test" },
		{ "a.b.example.com", "c.example.com", { "0 issue \"other.test\"" }, NULL },
		{ "example.com, '*.example.com'", "example.com",
			{ "0 issue \"ca.test\"", "0 issuewild \"other.test\"" },
			"*.example.com" },
		{ "example.com", "example.com",
			{ "0 issue \"ca.test\"", "0 issuewild \"other.test\"" }, NULL },
		{ "example.com", "example.com",
			{ "0 issue \"ca.test; accounturi=" ACCOUNT "\"" }, NULL },
		{ "example.com", "example.com",
			{ "0 issue \"ca.test; accounturi=" A_TEST "account/99\"" },
			"the CAA records of example.com" },
		{ "example.com", "example.com",
			{ "0 issue \"ca.test; validationmethods=http-01\"" },
			"the CAA records of example.com" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf config AUTO_BUF = BUF_INIT;
		struct sim sim;
		int before = test_failures;

		buf_printf(&config, HEAD(DNS_ZONES, "dns-01") CERT("%s"), rows[i].names);
		begin(&sim, buf_text(&config));
		for (size_t k = 0; k < 2 && rows[i].texts[k]; k++)
			wires_add(&sim.wires, rows[i].owner, DNS_CAA, rows[i].texts[k]);
		if (rows[i].refusal)
			expect_refusal(&sim, "(caa)", rows[i].refusal);
		for (size_t k = 0; k < 2 && rows[i].refusal && rows[i].texts[k]; k++)
			wires_remove(&sim.wires, rows[i].owner, DNS_CAA, rows[i].texts[k]);
		expect_issue(&sim, rows[i].refusal ? HOURS(25) : MINUTES(1));
		sim_close(&sim);
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

TEST(caa_records_count_where_an_alias_leads)
{
	struct sim sim;

	begin(&sim, HEAD(DNS_ZONES, "http-01") CERT("www.example.com"));
	wires_add(&sim.wires, "www.example.com", DNS_CNAME, "farm.challenges.net");
	wires_add(&sim.wires, "farm.challenges.net", DNS_CAA, "0 issue \"other.test\"");
	expect_refusal(&sim, "(caa)", "allow only other.test");
	wires_remove(&sim.wires, "farm.challenges.net", DNS_CAA, "0 issue \"other.test\"");
	expect_issue(&sim, HOURS(25));
	sim_close(&sim);
}

TEST(what_cannot_be_looked_up_forbids_nothing)
{
	static const enum wires_fault faults[] = { WIRES_SILENT, WIRES_FAILS, WIRES_REFUSES,
		WIRES_LAME };

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct sim sim;

		begin(&sim, HEAD(DNS_ZONES, "http-01") CERT("example.com, www.example.com"));
		wires_fault(&sim.wires, WIRES_NS1, faults[i]);
		wires_fault(&sim.wires, WIRES_NS2, faults[i]);
		expect_issue(&sim, MINUTES(1));
		sim_close(&sim);
	}
}

/* One that is silent costs its time once, not for every name and every label of it. */
TEST(a_dead_server_is_asked_once)
{
	struct sim sim;

	begin(&sim, HEAD("default: " DNS_PUBLISH, "http-01")
			    CERT("a.b.c.d.e.example.com, b.c.d.e.example.com"));
	wires_fault(&sim.wires, WIRES_NS1, WIRES_SILENT);
	expect_issue(&sim, SECONDS(15));
	sim_close(&sim);
}

/* Every certificate would pay for dead resolvers with all their time. */
TEST(dead_resolvers_are_left_alone_for_a_while)
{
	struct sim sim;
	struct buf config AUTO_BUF = BUF_INIT;
	const struct acme_counts *counts;

	buf_add_text(
		&config, HEAD("default: " DNS_PUBLISH, "http-01") "groups:\n  example.com:\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&config, "    c%d: {ca: a, names: [c%d.example.com]}\n", i, i);
	counts = fake_acme_counts(begin(&sim, buf_text(&config)));
	wires_fault(&sim.wires, WIRES_OWN, WIRES_SILENT);
	sim_advance(&sim, SECONDS(45));
	CHECK_INT(counts->n_issued, 40);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	printf("# %u questions\n", sim.wires.n_begun);
	/* They were all asked for side by side, once each and not for every label; and one asked for the root. */
	CHECK(sim.wires.n_begun <= 41);
	sim_close(&sim);
}

TEST(a_record_that_stays_proves_the_name)
{
	static const struct {
		const char *text, *refusal;
		bool is_ending;
	} rows[] = {
		{ "ca.test; accounturi=" ACCOUNT "; policy=wildcard", NULL, false },
		{ "ca.test; accounturi=" ACCOUNT "; policy=wildcard; persistUntil=1790000000",
			NULL, false },
		{ "ca.test; accounturi=" ACCOUNT "; policy=wildcard; persistUntil=1780876800",
			NULL, true },
		{ NULL,
			"no record in DNS proves example.com to ca.test; put this one "
			"there: " PERSIST,
			false },
		{ "ca.test; accounturi=" A_TEST "account/99; policy=wildcard",
			"names the account " A_TEST "account/99, not ours", false },
		{ "ca.test; accounturi=" ACCOUNT, "lacks policy=wildcard", false },
		{ "ca.test; accounturi=" ACCOUNT "; policy=wildcard; persistUntil=1780000000",
			"ended at", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		int before = test_failures;

		begin(&sim,
			HEAD(DNS_ZONES, "dns-persist-01") CERT("example.com, '*.example.com'"));
		if (rows[i].text)
			wires_add(&sim.wires, PERSIST, DNS_TXT, rows[i].text);
		if (rows[i].refusal) {
			expect_refusal(&sim, "(not-visible)", rows[i].refusal);
			wires_add(&sim.wires, PERSIST, DNS_TXT, rows[0].text);
		}
		expect_issue(&sim, rows[i].refusal ? HOURS(1) : MINUTES(1));
		CHECK_INT(sim.town.n_published, 0);
		CHECK_INT(sim_count(&sim, EVENT_PERSIST_ENDING, NULL) > 0, rows[i].is_ending);
		sim_close(&sim);
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

TEST(an_account_has_a_label_of_its_own)
{
	struct sim sim;

	begin(&sim, HEAD(DNS_ZONES, "dns-account-01") CERT("example.com, www.example.com"));
	expect_issue(&sim, MINUTES(1));
	CHECK_INT(sim.town.n_published, 2);
	CHECK(!wires_holds(&sim.wires, "_acme-challenge.example.com", DNS_TXT, NULL));
	sim_close(&sim);
}

#define FORBIDS "0 issue \"other.test\""
#define MANY                                                                                   \
	HEAD("default: " DNS_PUBLISH, "http-01")                                               \
	ACME_CA("b", "http-01") "groups:\n  example.com:\n"
#define WWW "    web: {ca: a, names: [www.example.com]}\n"

/* Where a zone lies, and what is above a name, is asked once for everybody; each name once for itself. */
TEST(many_names_share_what_is_asked_above_them)
{
	enum { N = 40 };
	struct sim sim;
	struct buf config AUTO_BUF = BUF_INIT;
	const struct acme_counts *counts;

	buf_add_text(&config, MANY);
	for (int i = 0; i < N; i++)
		buf_printf(&config, "    c%d: {ca: a, names: [c%d.example.com]}\n", i, i);
	counts = fake_acme_counts(begin(&sim, buf_text(&config)));
	sim_advance(&sim, SECONDS(45));
	CHECK_INT(counts->n_issued, N);
	printf("# %u questions\n", sim.wires.n_begun);
	/* The servers of example.com and com, four addresses and a set each. */
	CHECK(sim.wires.n_begun <= N + 2 * 6);
	sim_close(&sim);
}

/* The records are seen for one certificate, and mended, or not, before the other one's CA can be reached. */
TEST(a_refusal_that_is_remembered_is_looked_at_again)
{
	for (int is_mended = 0; is_mended < 2; is_mended++) {
		struct sim sim;
		struct fake_acme *b;
		unsigned asked;

		begin(&sim, MANY WWW "    mail: {ca: b, names: [mail.example.com]}\n");
		b = sim_acme(&sim, B_TEST);
		fake_acme_knobs(b)->identity = "ca.test";
		internet_down(&sim.internet, B_TEST, true);
		wires_add(&sim.wires, "example.com", DNS_CAA, FORBIDS);
		sim_until(&sim, EVENT_CERT_FAILED, WEB, SECONDS(10));
		CHECK(why_says(&sim, "allow only other.test"));
		if (is_mended)
			wires_remove(&sim.wires, "example.com", DNS_CAA, FORBIDS);
		asked = sim.wires.n_begun;
		internet_down(&sim.internet, B_TEST, false);
		sim_until(&sim, is_mended ? EVENT_CERT_ISSUED : EVENT_CERT_FAILED, MAIL,
			SECONDS(30));
		CHECK_INT(fake_acme_counts(b)->n_orders, is_mended);
		/* The name, and once it and its domain; without a refusal also the one above and where that is asked. */
		CHECK_INT(sim.wires.n_begun - asked, is_mended ? 5 : 3);
		sim_close(&sim);
	}
}

/* That nothing forbids it is remembered for the plan, and not for an operator in a hurry. */
TEST(nothing_is_remembered_for_a_forced_renewal)
{
	struct sim sim;
	const struct acme_counts *counts;
	unsigned n_orders;

	counts = fake_acme_counts(begin(&sim, MANY WWW));
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, SECONDS(20));
	sim_rest(&sim, SECONDS(5));
	n_orders = counts->n_orders;
	wires_add(&sim.wires, "www.example.com", DNS_CAA, FORBIDS);
	sim_command(&sim, "renew " WEB " --force");
	sim_until(&sim, EVENT_CERT_FAILED, WEB, SECONDS(10));
	CHECK(why_says(&sim, "(caa)"));
	CHECK_INT(counts->n_orders, n_orders);
	sim_close(&sim);
}
