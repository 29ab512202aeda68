/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/* Answers that are made from a wildcard are no records of the name that was asked for (RFC 4592). */

#define HEAD(zones, challenge)                                                                 \
	ACME_DAEMON DNS_OF("extra_nameservers: []", zones) "cas:\n" ACME_CA("a", challenge)
#define CERT(names)                                                                            \
	"groups:\n  example.com:\n    web: {ca: a, names: [" names "], deploy: "               \
	"[front]}\n" FRONT
#define NET "challenges.net: " DNS_PUBLISH
#define OWNER "_acme-challenge.example.com"
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

/* A record of ours takes the place of what a wildcard makes, at whatever depth. */
TEST(what_a_wildcard_makes_leads_no_challenge_away)
{
	static const struct {
		const char *name, *wildcard, *text, *stands;
		uint16_t type;
	} rows[] = {
		{ "app.example.com", "*.example.com", "lb.example.com",
			"_acme-challenge.app.example.com", DNS_CNAME },
		{ "a.b.c.d.example.com", "*.example.com", "lb.example.com",
			"_acme-challenge.a.b.c.d.example.com", DNS_CNAME },
		{ "a.b.c.d.example.com", "*.c.d.example.com", "lb.example.com",
			"_acme-challenge.a.b.c.d.example.com", DNS_CNAME },
		/* To where nobody publishes, to nowhere, and in a circle. */
		{ "app.example.com", "*.example.com", "host.cdn.net",
			"_acme-challenge.app.example.com", DNS_CNAME },
		{ "app.example.com", "*.example.com", "nothing.com",
			"_acme-challenge.app.example.com", DNS_CNAME },
		{ "app.example.com", "*.example.com", "app.example.com",
			"_acme-challenge.app.example.com", DNS_CNAME },
		/* To where it might even be published, were it an alias. */
		{ "app.example.com", "*.example.com", "x.challenges.net",
			"_acme-challenge.app.example.com", DNS_CNAME },
		{ "app.example.com", "*.example.com", "v=spf1 -all",
			"_acme-challenge.app.example.com", DNS_TXT },
		{ "a.b.example.com", "*.b.example.com", "v=spf1 -all",
			"_acme-challenge.a.b.example.com", DNS_TXT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf config AUTO_BUF = BUF_INIT;
		struct sim sim;
		int before = test_failures;

		buf_printf(
			&config, HEAD(DNS_ZONES ", " NET, "dns-01") CERT("%s"), rows[i].name);
		begin(&sim, buf_text(&config));
		wires_add(&sim.wires, rows[i].wildcard, rows[i].type, rows[i].text);
		wires_add(&sim.wires, "lb.example.com", DNS_TXT, "of the balancer");
		wires_settle(&sim.wires);
		sim_advance(&sim, SECONDS(2));
		CHECK(wires_holds(&sim.wires, rows[i].stands, DNS_TXT, NULL));
		expect_issue(&sim, MINUTES(1));
		sim_close(&sim);
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

/* An alias that stands beside the wildcard is one, even where both say the same. */
TEST(an_alias_that_a_wildcard_repeats_is_followed)
{
	static const char *const wildcards[] = { "*.example.com", "*." OWNER };
	struct sim sim;

	begin(&sim, HEAD(DNS_ZONES ", " NET, "dns-01") CERT("example.com"));
	wires_add(&sim.wires, OWNER, DNS_CNAME, "example-com.challenges.net");
	for (size_t i = 0; i < ARRAY_LEN(wildcards); i++)
		wires_add(&sim.wires, wildcards[i], DNS_CNAME, "example-com.challenges.net");
	wires_settle(&sim.wires);
	sim_advance(&sim, SECONDS(2));
	CHECK(wires_holds(&sim.wires, "example-com.challenges.net", DNS_TXT, NULL));
	expect_issue(&sim, MINUTES(1));
	sim_close(&sim);
}

/* Beside the alias the server tells of the zone above, where that leads. */
TEST(a_wildcard_of_a_zone_below_misplaces_nothing)
{
	static const char below[] = "sub.example.com";
	struct sim sim;

	begin(&sim, HEAD("default: " DNS_PUBLISH, "dns-01") CERT("host.sub.example.com"));
	wires_serve(&sim.wires, below, "ns1.example.com", WIRES_NS1, 0);
	wires_serve(&sim.wires, below, "ns2.example.com", WIRES_NS2, 0);
	wires_serve(&sim.wires, below, "ns3.example.com", "192.0.2.3", 40000);
	wires_add(&sim.wires, "*.sub.example.com", DNS_CNAME, "lb.example.com");
	wires_settle(&sim.wires);
	sim_advance(&sim, SECONDS(40));
	CHECK_INT(sim.town.n_published, 1);
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_asked[ASK_CHALLENGE], 0);
	CHECK(wires_asked(&sim.wires, "192.0.2.3") > 0);
	expect_issue(&sim, MINUTES(1));
	sim_close(&sim);
}

/* A record that stays is nobody's to publish here: the CA reads what the world reads. */
TEST(a_record_that_stays_is_read_where_a_wildcard_leads)
{
	struct sim sim;

	begin(&sim, HEAD("", "dns-persist-01") CERT("app.example.com"));
	wires_add(&sim.wires, "*.example.com", DNS_CNAME, PERSIST);
	wires_add(&sim.wires, PERSIST, DNS_TXT, "ca.test; accounturi=" ACCOUNT);
	wires_settle(&sim.wires);
	sim_advance(&sim, SECONDS(5));
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_asked[ASK_CHALLENGE], 1);
	CHECK_INT(sim.town.n_published, 0);
	sim_close(&sim);
}

/* Whether it is an alias at all is not known while no server says so; it is asked again. */
TEST(silence_about_a_wildcard_costs_no_order)
{
	struct sim sim;

	begin(&sim, HEAD(DNS_ZONES, "dns-01") CERT("app.example.com"));
	wires_add(&sim.wires, "*.example.com", DNS_CNAME, "lb.example.com");
	wires_settle(&sim.wires);
	sim.wires.mute = "x.*._acme-challenge.app.example.com";
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK(strstr(sim_command(&sim, "why " WEB), "(dns)"));
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_orders, 0);
	sim.wires.mute = NULL;
	expect_issue(&sim, MINUTES(15));
	sim_close(&sim);
}

/* Resolvers would keep what the wildcard makes in place of a challenge that is published next. */
TEST(resolvers_are_not_made_to_keep_what_a_wildcard_makes)
{
	static const struct {
		const char *owner, *text;
		uint16_t type;
		bool is_record;
	} rows[] = {
		{ "*.example.com", "v=spf1 -all", DNS_TXT, false },
		{ "*.example.com", "lb.example.com", DNS_CNAME, false },
		{ "_acme-challenge.app.example.com", "v=spf1 -all", DNS_TXT, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		int before = test_failures;

		sim_open(&sim, ACME_DAEMON "cas:\n" ACME_CA("a", "http-01"), 1);
		sim_acme(&sim, A_TEST);
		wires_add(&sim.wires, rows[i].owner, rows[i].type, rows[i].text);
		wires_settle(&sim.wires);
		sim_command(&sim, "dns check app.example.com");
		sim_until(&sim, EVENT_JOB_DONE, NULL, MINUTES(1));
		sim_command(&sim, "watch job=1");
		CHECK(strstr(buf_text(&sim.said), rows[i].text));
		CHECK((wires_asked(&sim.wires, "8.8.8.8") > 0) == rows[i].is_record);
		if (test_failures != before)
			printf("# row %zu: %s\n", i, buf_text(&sim.said));
		sim_close(&sim);
	}
}
