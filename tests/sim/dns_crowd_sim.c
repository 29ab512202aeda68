/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include <limits.h>

#include "tests/sim/acme.h"

/*
 * Somebody's name servers take questions and never answer.  Whoever has names there waits for that;
 * nobody else does.
 */

#define NAMES                                                                                  \
	"n01.crowd.org, n02.crowd.org, n03.crowd.org, n04.crowd.org, n05.crowd.org, "          \
	"n06.crowd.org, n07.crowd.org, n08.crowd.org, n09.crowd.org, n10.crowd.org, "          \
	"n11.crowd.org, n12.crowd.org, n13.crowd.org, n14.crowd.org, n15.crowd.org, "          \
	"n16.crowd.org, n17.crowd.org, n18.crowd.org, n19.crowd.org, n20.crowd.org, "          \
	"n21.crowd.org, n22.crowd.org, n23.crowd.org, n24.crowd.org, n25.crowd.org, "          \
	"n26.crowd.org, n27.crowd.org, n28.crowd.org, n29.crowd.org, n30.crowd.org"
#define HEAD                                                                                   \
	ACME_DAEMON DNS_OF("extra_nameservers: []",                                            \
		DNS_ZONES ", crowd.org: " DNS_PUBLISH) "cas:\n" ACME_CA("a", "dns-01")         \
		ACME_CA("b", "dns-01") "groups:\n"
#define CONFIG HEAD CROWD WEB_TOO FRONT
#define CROWD "  crowd.org:\n    crowd: {ca: b, names: [" NAMES "], deploy: [front]}\n"
#define WEB_TOO "  example.com:\n    web: {ca: a, names: [example.com], deploy: [front]}\n"
enum { SERVERS = 10 };

/* Both have a certificate, and nobody remembers how the servers were found. */
static void begin(struct sim *sim)
{
	sim_open(sim, HEAD CROWD WEB_TOO FRONT, 1);
	sim_acme(sim, A_TEST);
	sim_acme(sim, B_TEST);
	wires_serve(&sim->wires, "org", "ns.org", "203.0.113.2", 0);
	for (int i = 0; i < SERVERS; i++) {
		char name[32], address[32];

		snprintf(name, sizeof(name), "ns%d.crowd.org", i);
		snprintf(address, sizeof(address), "198.18.0.%d", i + 1);
		wires_serve(&sim->wires, "crowd.org", name, address, 0);
	}
	sim_advance(sim, HOURS(3));
	CHECK_INT(sim_count(sim, EVENT_CERT_DEPLOYED, NULL), 2);
}

/* From now on all but the first `well` of them are silent, and a job waits for them since some seconds. */
static void hang(struct sim *sim, int well, int64_t since_s)
{
	size_t seen = sim_count(sim, EVENT_DNS_SEEN, NULL);

	for (int i = well; i < SERVERS; i++) {
		char address[32];

		snprintf(address, sizeof(address), "198.18.0.%d", i + 1);
		wires_fault(&sim->wires, address, WIRES_SILENT);
	}
	CHECK(str_starts(sim_command(sim, "renew crowd.org/crowd --force"), "ok "));
	sim_advance(sim, SECONDS(since_s));
	CHECK_INT(sim_count(sim, EVENT_DNS_SEEN, NULL), seen);
}

/* How long the other zone's certificate takes from now on, in seconds. */
static int64_t web_takes(struct sim *sim)
{
	size_t before = sim_count(sim, EVENT_CERT_ISSUED, WEB);
	struct instant start = clock_now();

	CHECK(str_starts(sim_command(sim, "renew " WEB " --force"), "ok "));
	for (int i = 0; i < 7200 && sim_count(sim, EVENT_CERT_ISSUED, WEB) == before; i++)
		sim_advance(sim, SECONDS(1));
	return instant_since(clock_now(), start).s;
}

static void expect_usual(int64_t took, int64_t alone, int64_t since)
{
	if (took > alone + 3)
		TEST_FAIL("%lld s instead of %lld when they hang since %lld s", (long long)took,
			(long long)alone, (long long)since);
}

static int64_t usual(void)
{
	struct sim sim;
	int64_t s;

	begin(&sim);
	s = web_takes(&sim);
	sim_close(&sim);
	CHECK(s < 10);
	return s;
}

TEST(servers_that_never_answer_hold_up_nobody_else)
{
	int64_t alone = usual();

	for (int64_t since = 1; since < 30; since += 7) {
		struct sim sim;
		size_t issued;

		begin(&sim);
		hang(&sim, 1, since);
		issued = sim_count(&sim, EVENT_CERT_ISSUED, "crowd.org/crowd");
		expect_usual(web_takes(&sim), alone, since);
		/* They get theirs, too, once who is silent counts no more. */
		for (int i = 0; i < 30 &&
				sim_count(&sim, EVENT_CERT_ISSUED, "crowd.org/crowd") == issued;
			i++)
			sim_advance(&sim, MINUTES(1));
		CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, "crowd.org/crowd"), issued + 1);
		sim_close(&sim);
	}
}

/* Whoever asks a resolver about such a zone waits as long; that does not make the resolver dead. */
TEST(nor_do_they_through_the_resolver)
{
	int64_t alone = usual();

	for (int64_t since = 1; since < 20; since += 4) {
		struct sim sim;

		begin(&sim);
		wires_drag(&sim.wires, "crowd.org");
		hang(&sim, 0, since);
		expect_usual(web_takes(&sim), alone, since);
		sim_close(&sim);
	}
}

/* Each server gets its part of what is asked about zones before their servers are known. */
TEST(zones_with_the_same_servers_begin_at_different_ones)
{
	enum { ZONES = 60 };
	static const char *const servers[] = { "192.0.2.31", "192.0.2.32", "192.0.2.33" };
	struct buf config AUTO_BUF = BUF_INIT;
	unsigned least = UINT_MAX, most = 0;
	struct sim sim;

	buf_add_text(&config,
		ACME_DAEMON DNS_OF("extra_nameservers: []",
			"default: " DNS_PUBLISH) "cas:\n" ACME_CA("a", "dns-01") "groups:\n");
	for (int i = 0; i < ZONES; i++)
		buf_printf(&config, "  z%d.org: {web: {ca: a, names: [z%d.org]}}\n", i, i);
	buf_add_text(&config, FRONT);
	sim_open(&sim, buf_text(&config), 1);
	sim_acme(&sim, A_TEST);
	wires_serve(&sim.wires, "org", "ns.org", "203.0.113.2", 0);
	for (int i = 0; i < ZONES; i++) {
		char zone[16];

		snprintf(zone, sizeof(zone), "z%d.org", i);
		for (size_t k = 0; k < ARRAY_LEN(servers); k++) {
			char name[16];

			snprintf(name, sizeof(name), "ns%zu.org", k);
			wires_serve(&sim.wires, zone, name, servers[k], 0);
		}
	}
	for (int i = 0; i < 300 && sim_count(&sim, EVENT_CERT_ISSUED, NULL) < ZONES; i++)
		sim_advance(&sim, SECONDS(1));
	CHECK_INT(sim_count(&sim, EVENT_CERT_ISSUED, NULL), ZONES);
	for (size_t k = 0; k < ARRAY_LEN(servers); k++) {
		unsigned n = wires_asked(&sim.wires, servers[k]);

		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	if (most >= 2 * least)
		TEST_FAIL("one server was asked %u times, another %u", least, most);
	sim_close(&sim);
}
