/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/*
 * A primary that the configuration names and that does not answer: it was to be asked first, and not alone.  Whoever
 * looks for a name or for the servers of a zone goes on with the others, and that it says nothing is evidence.  And
 * resolvers that were away for a while.
 */

#define DEAD "192.0.2.99"
#define RESOLVER "198.51.100.53" /* of DNS_OF */
#define BEHIND_DEAD                                                                            \
	"{primary: " DEAD ", publish: {type: command, add: [add], remove: [remove]}}"
#define HEAD(zones)                                                                            \
	ACME_DAEMON DNS_OF("extra_nameservers: []", zones) "cas:\n" ACME_CA("a", "dns-01")
#define CERT(names)                                                                            \
	"groups:\n  example.com:\n    web: {ca: a, names: [" names "], deploy: "               \
	"[front]}\n" FRONT
#define OWNER "_acme-challenge.example.com"

static void begin(struct sim *sim, const char *config, enum wires_fault fault)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	wires_serve(&sim->wires, "hidden.test", "primary", DEAD, 0);
	wires_fault(&sim->wires, DEAD, fault);
}

static bool why_says(struct sim *sim, const char *text)
{
	bool says = strstr(sim_command(sim, "why " WEB), text) != NULL;

	if (!says)
		printf("# %s\n", buf_text(&sim->said));
	return says;
}

static void until_why_says(struct sim *sim, const char *text)
{
	for (int i = 0; i < 60 && !strstr(sim_command(sim, "why " WEB), text); i++)
		sim_advance(sim, SECONDS(1));
	CHECK(why_says(sim, text));
}

static void expect_issue(struct sim *sim, struct duration at_most)
{
	sim_until(sim, EVENT_CERT_DEPLOYED, WEB, at_most);
	sim_rest(sim, MINUTES(5));
	sim_expect_settled(sim);
	CHECK_INT(fake_acme_counts(sim->acmes[0])->n_orders, 1);
	CHECK_INT(fake_acme_counts(sim->acmes[0])->n_invalid, 0);
}

/* One that is asked first is not the only one; what it does not say is evidence. */
TEST(a_dead_primary_is_as_any_dead_server)
{
	static const struct {
		const char *zones;
		enum wires_fault fault;
		bool is_evidence;
	} rows[] = {
		{ "example.com: " BEHIND_DEAD, WIRES_SILENT, true },
		{ "default: " BEHIND_DEAD, WIRES_SILENT, true },
		/* That of another zone is none of this one. */
		{ "com: " BEHIND_DEAD, WIRES_SILENT, false },
		{ "example.com: " BEHIND_DEAD, WIRES_REFUSES, false },
		{ "example.com: " BEHIND_DEAD, WIRES_LAME, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf config AUTO_BUF = BUF_INIT;
		int before = test_failures;
		struct sim sim;

		buf_printf(&config, HEAD("%s") CERT("example.com, www.example.com"),
			rows[i].zones);
		begin(&sim, buf_text(&config), rows[i].fault);
		if (rows[i].is_evidence)
			until_why_says(&sim, DEAD " is silent");
		expect_issue(&sim, MINUTES(1));
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
		sim_close(&sim);
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

TEST(who_was_asked_instead_is_told_as_well)
{
	struct sim sim;

	begin(&sim, HEAD("example.com: " BEHIND_DEAD) CERT("example.com"), WIRES_SILENT);
	wires_fault(&sim.wires, WIRES_NS1, WIRES_SILENT);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_SILENT);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK(why_says(&sim, "no server answers for the SOA of " OWNER ": " DEAD));
	CHECK(why_says(&sim, "; without it: "));
	CHECK(why_says(&sim, WIRES_NS1 " is silent"));
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_orders, 0);
	wires_fault(&sim.wires, WIRES_NS1, WIRES_WELL);
	expect_issue(&sim, HOURS(2));
	sim_close(&sim);
}

/* What was said of one zone's primary is forgotten once, where an alias leads to another zone. */
TEST(an_alias_is_followed_past_a_dead_primary)
{
	struct sim sim;

	begin(&sim, HEAD("example.com: " BEHIND_DEAD) CERT("example.com"), WIRES_SILENT);
	wires_add(&sim.wires, OWNER, DNS_CNAME, "_a._acme-challenge.example.com");
	wires_settle(&sim.wires);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
	sim_close(&sim);
}

/* People look at the zone's servers otherwise. */
TEST(a_dead_resolver_is_called_that)
{
	struct sim sim;

	begin(&sim, HEAD("default: " DNS_PUBLISH) CERT("example.com"), WIRES_WELL);
	wires_fault(&sim.wires, WIRES_OWN, WIRES_SILENT);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK(why_says(
		&sim, "no server answers for the NS of example.com: the resolver " WIRES_OWN));
	wires_fault(&sim.wires, WIRES_OWN, WIRES_WELL);
	expect_issue(&sim, HOURS(2));
	sim_close(&sim);
}

/* The first retry comes a minute later, and finds them back. */
TEST(resolvers_that_were_away_are_asked_again_soon)
{
	struct sim sim;

	begin(&sim, HEAD(DNS_ZONES) CERT("example.com"), WIRES_WELL);
	wires_fault(&sim.wires, RESOLVER, WIRES_SILENT);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK(why_says(&sim, "the resolver " RESOLVER));
	CHECK_INT(fake_acme_counts(sim.acmes[0])->n_orders, 0);
	wires_fault(&sim.wires, RESOLVER, WIRES_WELL);
	expect_issue(&sim, SECONDS(90));
	sim_close(&sim);
}
