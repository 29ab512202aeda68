/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/* A resolver with an entry of its own for our zone, or that sees another part of the world: it is told at once. */

#define OWNER "_acme-challenge.example.com"
#define HELP "of the zone in dns.zones says whom to ask"
#define CONFIG(zones)                                                                          \
	ACME_DAEMON DNS_OF("extra_nameservers: []", zones) "cas:\n" ACME_CA(                   \
		"a", "dns-01") "groups:\n  example.com:\n    web: {ca: a, names: "             \
			       "[example.com], deploy: "                                       \
			       "[front]}\n" FRONT

static const struct override {
	const char *owner, *text;
	uint16_t type;
} nowhere = { "example.com", NULL, DNS_NS },
  no_servers = { "example.com", "192.0.2.99", DNS_A },
  other_servers = { "example.com", "ns.inside.test", DNS_NS },
  no_zones_at_all = { "com", NULL, DNS_NS },
  address = { "ns.inside.test", "203.0.113.1", DNS_A };

static const struct row {
	const struct override *overrides[3];
	const char *said;
} rows[] = {
	{ { &nowhere }, "the resolver " WIRES_OWN " says NXDOMAIN of example.com" },
	{ { &no_servers }, "the resolver " WIRES_OWN " knows no name servers of example.com" },
	{ { &nowhere, &no_zones_at_all }, "says NXDOMAIN of com" },
	{ { &other_servers }, "the resolver " WIRES_OWN
			      " calls these the name servers of example.com: ns.inside.test" },
	/* A server that has another zone refers us to its own, so it is no server of this one. */
	{ { &other_servers, &address },
		"the resolver " WIRES_OWN
		" calls these the name servers of example.com: ns.inside.test" },
};

static bool says(struct sim *sim, const char *part)
{
	return strstr(sim_command(sim, "why " WEB), part) != NULL;
}

TEST(a_resolver_that_is_wrong_is_told_in_the_first_round)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		int before = test_failures;

		sim_open(&sim, CONFIG(DNS_ZONES), 1);
		sim_acme(&sim, A_TEST);
		for (size_t k = 0; k < 3 && rows[i].overrides[k]; k++)
			wires_override(&sim.wires, rows[i].overrides[k]->owner,
				rows[i].overrides[k]->type, rows[i].overrides[k]->text);
		sim_advance(&sim, SECONDS(15));
		CHECK(says(&sim, rows[i].said));
		CHECK(says(&sim, HELP));
		CHECK_INT(sim_count(&sim, EVENT_DNS_UNSERVED, WEB) +
				  sim_count(&sim, EVENT_CERT_FAILED, WEB),
			1);
		/* What it says to do does it. */
		CHECK_INT(sim_reload(&sim,
				  CONFIG("example.com: {nameservers: [" WIRES_NS1 ", " WIRES_NS2
					 "], publish: {type: command, add: [add], remove: "
					 "[remove]}}")),
			0);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(15));
		if (test_failures != before)
			printf("# row %zu: %s\n", i, buf_text(&sim.said));
		sim_close(&sim);
	}
}
