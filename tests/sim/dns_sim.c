/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"
#include "tests/sim/dns_wire.h"

/* Records at name servers that lag, die, lie and contradict each other: no CA looks too early. */

#define WILDCARD(rest)                                                                         \
	ACME_DAEMON DNS_OF(rest, DNS_ZONES) "cas:\n" ACME_CA(                                  \
		"a", "dns-01") "groups:\n  example.com:\n"                                     \
			       "    web: {ca: a, names: [example.com, '*.example.com'], "      \
			       "deploy: [front]}\n" FRONT
#define NO_EXTRA "extra_nameservers: []"
#define EXTRA "192.0.2.99"
#define OWNER "_acme-challenge.example.com"

static struct fake_acme *begin(struct sim *sim, const char *config)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	return acme;
}

static void end(struct sim *sim)
{
	sim_rest(sim, MINUTES(5));
	sim_expect_settled(sim);
	CHECK_INT(fake_acme_counts(sim->acmes[0])->n_invalid, 0);
	sim_close(sim);
}

static int64_t age(const struct sim *sim, enum event event)
{
	return instant_since(sim_last(sim, event, NULL), SIM_START).s;
}

static bool why_says(struct sim *sim, const char *text)
{
	bool says = strstr(sim_command(sim, "why " WEB), text) != NULL;

	if (!says)
		printf("# %s\n", buf_text(&sim->said));
	return says;
}

/* The certificate comes, and between `first` and `last` seconds after the start everybody was seen to show it. */
static void expect_seen(struct sim *sim, int64_t first, int64_t last)
{
	const struct acme_counts *counts = fake_acme_counts(sim->acmes[0]);

	sim_until(sim, EVENT_DNS_SEEN, NULL, MINUTES(30));
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 0);
	CHECK(age(sim, EVENT_DNS_SEEN) >= first);
	CHECK(age(sim, EVENT_DNS_SEEN) <= last);
	sim_until(sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	CHECK_INT(counts->n_orders, 1);
	CHECK_INT(counts->n_validated, 2);
	CHECK_INT(sim_count(sim, EVENT_CERT_FAILED, NULL), 0);
}

TEST(good_servers_are_asked_soon)
{
	struct sim sim;

	begin(&sim, WILDCARD(NO_EXTRA));
	expect_seen(&sim, 3, 6);
	CHECK_INT(sim_count(&sim, EVENT_DNS_SEEN, NULL), 2);
	CHECK_INT(sim_count(&sim, EVENT_DNS_SLOW, NULL), 0);
	end(&sim);
}

TEST(one_that_lags_is_waited_for)
{
	struct sim sim;

	begin(&sim, WILDCARD(NO_EXTRA));
	wires_serve(&sim.wires, "example.com", "ns3.example.com", "192.0.2.3", 20000);
	expect_seen(&sim, 20, 45);
	CHECK_INT(sim_count(&sim, EVENT_DNS_SLOW, NULL), 0);
	end(&sim);
}

TEST(one_that_lags_long_is_told)
{
	struct sim sim;

	begin(&sim, WILDCARD(NO_EXTRA));
	wires_serve(&sim.wires, "example.com", "ns3.example.com", "192.0.2.3", 200000);
	sim_until(&sim, EVENT_DNS_SLOW, NULL, MINUTES(2));
	CHECK(why_says(&sim, "192.0.2.3 (ns3.example.com) answers without the record since "
			     "00:00:"));
	expect_seen(&sim, 200, 265);
	CHECK_INT(sim_count(&sim, EVENT_DNS_SLOW, NULL), 2);
	end(&sim);
}

TEST(one_that_does_not_work_is_given_three_rounds)
{
	static const struct {
		enum wires_fault fault;
		int64_t last;
	} rows[] = { { WIRES_SILENT, 75 }, { WIRES_REFUSES, 40 }, { WIRES_LAME, 40 },
		{ WIRES_FAILS, 40 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		int before = test_failures;

		begin(&sim, WILDCARD(NO_EXTRA));
		wires_fault(&sim.wires, WIRES_NS2, rows[i].fault);
		expect_seen(&sim, 3 + 3 + 5, rows[i].last);
		end(&sim);
		if (test_failures != before)
			printf("# fault %d\n", rows[i].fault);
	}
}

TEST(one_that_flaps_shows_it_in_the_end)
{
	struct sim sim;

	begin(&sim, WILDCARD(NO_EXTRA));
	wires_fault(&sim.wires, WIRES_NS2, WIRES_FLAPS);
	expect_seen(&sim, 3, 90);
	end(&sim);
}

TEST(an_old_copy_blocks_until_the_deadline)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, WILDCARD(NO_EXTRA));
	const struct acme_counts *counts = fake_acme_counts(a);

	wires_add(&sim.wires, "www.example.com", DNS_A, "192.0.2.80");
	wires_fault(&sim.wires, WIRES_NS2, WIRES_FROZEN);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(31));
	CHECK(age(&sim, EVENT_CERT_FAILED) >= 30 * 60);
	CHECK(why_says(&sim, "not-visible"));
	CHECK(why_says(&sim, "192.0.2.2 (ns2.example.com) answers without the record since"));
	CHECK(why_says(&sim, "its serial is behind by 2"));
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 0);
	CHECK_INT(counts->n_validated, 0);
	CHECK_INT(sim.town.n_published, sim.town.n_withdrawn);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_WELL);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(1));
	CHECK_INT(counts->n_orders, 1);
	end(&sim);
}

TEST(nobody_looks_while_all_are_dead)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, WILDCARD(NO_EXTRA ", deadline: 10m"));
	const struct acme_counts *counts = fake_acme_counts(a);

	/* From the beginning: then no order is placed. */
	wires_fault(&sim.wires, WIRES_NS1, WIRES_SILENT);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_SILENT);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(5));
	CHECK(why_says(&sim, "no server answers for the SOA of " OWNER));
	CHECK_INT(counts->n_orders, 0);
	/* When the record is out: the order waits for better days. */
	wires_fault(&sim.wires, WIRES_NS1, WIRES_WELL);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_WELL);
	while (sim.town.n_published < 2)
		sim_advance(&sim, SECONDS(1));
	sim_advance(&sim, SECONDS(1));
	wires_fault(&sim.wires, WIRES_NS1, WIRES_SILENT);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_SILENT);
	sim_advance(&sim, SECONDS(630));
	CHECK_INT(sim_jobs(&sim), 0);
	CHECK(why_says(&sim, "not-visible"));
	CHECK(why_says(&sim, "is silent since"));
	CHECK_INT(counts->n_orders, 1);
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 0);
	CHECK_INT(sim.town.n_published, sim.town.n_withdrawn);
	wires_fault(&sim.wires, WIRES_NS1, WIRES_WELL);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_WELL);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(1));
	CHECK_INT(counts->n_orders, 1);
	end(&sim);
}

/* Nothing of the zone is known yet when everybody falls silent. */
TEST(a_zone_that_nobody_serves_ends_with_the_deadline)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, WILDCARD(NO_EXTRA ", deadline: 10m"));
	const struct acme_counts *counts = fake_acme_counts(a);

	while (sim.town.n_published < 2)
		sim_step(&sim, INSTANT_NEVER);
	wires_fault(&sim.wires, WIRES_NS1, WIRES_REFUSES);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_REFUSES);
	sim_advance(&sim, MINUTES(9));
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), 0);
	CHECK(why_says(
		&sim, "no name server of example.com is found to look at: no server answers"));
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK(why_says(&sim, "192.0.2.1 REFUSED; 192.0.2.2 REFUSED"));
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 0);
	wires_fault(&sim.wires, WIRES_NS1, WIRES_WELL);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_WELL);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(1));
	CHECK_INT(counts->n_orders, 1);
	end(&sim);
}

TEST(a_zone_that_is_found_late_is_no_failure)
{
	struct sim sim;

	begin(&sim, WILDCARD(NO_EXTRA));
	while (sim.town.n_published < 2)
		sim_step(&sim, INSTANT_NEVER);
	wires_fault(&sim.wires, WIRES_NS1, WIRES_FAILS);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_FAILS);
	sim_advance(&sim, MINUTES(2));
	wires_fault(&sim.wires, WIRES_NS1, WIRES_WELL);
	wires_fault(&sim.wires, WIRES_NS2, WIRES_WELL);
	expect_seen(&sim, 120, 150);
	end(&sim);
}

/* Somebody asked the extra one about the record before it was there. */
static void open_with_memory(struct sim *sim, const char *config)
{
	struct buf ignored AUTO_BUF = BUF_INIT;
	struct reply reply;

	begin(sim, config);
	wires_resolver(&sim->wires, EXTRA);
	reply_begin(&reply, OWNER, DNS_TXT);
	wires_answer(&sim->wires, EXTRA, OWNER, DNS_TXT, &reply);
	CHECK_INT(reply.rcode, DNS_NXDOMAIN);
	reply_end(&reply, &ignored);
}

TEST(an_extra_that_remembers_is_waited_for)
{
	struct sim sim;

	open_with_memory(&sim, WILDCARD("extra_nameservers: [" EXTRA "], extra: require"));
	expect_seen(&sim, WIRES_NEGATIVE_S, WIRES_NEGATIVE_S + 20);
	end(&sim);
}

TEST(an_extra_that_advises_is_not_waited_for)
{
	struct sim sim;

	open_with_memory(&sim, WILDCARD("extra_nameservers: [" EXTRA "], extra: advise"));
	expect_seen(&sim, 3, 10);
	end(&sim);
}

TEST(an_extra_is_not_asked_too_early)
{
	struct sim sim;

	begin(&sim, WILDCARD("extra_nameservers: [" EXTRA "], extra: require"));
	wires_resolver(&sim.wires, EXTRA);
	wires_serve(&sim.wires, "example.com", "ns3.example.com", "192.0.2.3", 20000);
	sim_advance(&sim, SECONDS(20));
	CHECK_INT(wires_asked(&sim.wires, EXTRA), 0);
	expect_seen(&sim, 20, 50);
	end(&sim);
}

TEST(an_extra_that_is_silent_does_not_block)
{
	struct sim sim;

	begin(&sim, WILDCARD("extra_nameservers: [" EXTRA "], extra: require"));
	wires_resolver(&sim.wires, EXTRA);
	wires_fault(&sim.wires, EXTRA, WIRES_SILENT);
	expect_seen(&sim, 30, 90);
	end(&sim);
}

TEST(a_publisher_that_lies_is_asked_again)
{
	struct sim sim;

	begin(&sim, WILDCARD(NO_EXTRA));
	sim.town.n_lies = 2;
	expect_seen(&sim, 60, 130);
	CHECK_INT(sim.town.n_refreshed, 1);
	end(&sim);
}

TEST(a_publisher_that_lies_for_good_is_found_out)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, WILDCARD(NO_EXTRA));
	const struct acme_counts *counts = fake_acme_counts(a);

	sim.town.n_lies = 1000;
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(31));
	CHECK(why_says(&sim, "not-visible"));
	CHECK(why_says(&sim, "0 of 2 show it"));
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 0);
	/* After a minute, and every five. */
	CHECK(sim.town.n_refreshed >= 5 && sim.town.n_refreshed <= 7);
	sim.town.n_lies = 0;
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(1));
	CHECK_INT(counts->n_orders, 1);
	end(&sim);
}

TEST(many_wait_side_by_side)
{
	enum { ZONES = 5, CERTS = 50 };
	struct sim sim;
	struct buf config AUTO_BUF = BUF_INIT;
	const struct acme_counts *counts;

	buf_add_text(
		&config, ACME_DAEMON DNS_OF(NO_EXTRA, "default: " DNS_PUBLISH) "cas:\n" ACME_CA(
				 "a", "dns-01") "groups:\n  many:\n");
	for (int i = 0; i < CERTS; i++)
		buf_printf(&config, "    c%d: {ca: a, names: [c%d.z%d.com, '*.c%d.z%d.com']}\n",
			i, i, i % ZONES, i, i % ZONES);
	counts = fake_acme_counts(begin(&sim, buf_text(&config)));
	for (int i = 0; i < ZONES; i++) {
		char zone[20], name[30], address[20];

		snprintf(zone, sizeof(zone), "z%d.com", i);
		for (int k = 1; k <= 2; k++) {
			snprintf(name, sizeof(name), "ns%d.z%d.com", k, i);
			snprintf(address, sizeof(address), "192.0.2.%d", 10 + 2 * i + k);
			wires_serve(&sim.wires, zone, name, address, k == 2 ? 100000 : 0);
		}
	}
	sim_advance(&sim, SECONDS(90));
	CHECK_INT(sim.town.n_published, 2 * CERTS);
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 0);
	sim_advance(&sim, MINUTES(5));
	CHECK_INT(counts->n_issued, CERTS);
	CHECK_INT(counts->n_orders, CERTS);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	printf("# %u questions\n", sim.wires.n_asked);
	end(&sim);
}

/* What happens to the daemon while the slow one lags. */
static void open_waiting(struct sim *sim)
{
	begin(sim, WILDCARD(NO_EXTRA));
	wires_serve(&sim->wires, "example.com", "ns3.example.com", "192.0.2.3", 120000);
	sim_advance(sim, SECONDS(30));
	CHECK_INT(sim->town.n_published, 2);
	CHECK_INT(sim_jobs(sim), 1);
}

TEST(a_reload_disturbs_no_wait)
{
	struct sim sim;

	open_waiting(&sim);
	CHECK_INT(sim_reload(&sim, WILDCARD(NO_EXTRA ", challenge_ttl: 2m")), 0);
	expect_seen(&sim, 120, 185);
	end(&sim);
}

TEST(a_stop_leaves_nothing_and_is_gone_on_with)
{
	struct sim sim;

	open_waiting(&sim);
	CHECK(sim_stop(&sim));
	CHECK_INT(sim.town.n_withdrawn, 2);
	/* Published anew, so the slow one has it 120 s later. */
	expect_seen(&sim, 150, 215);
	end(&sim);
}

TEST(a_death_is_gone_on_with)
{
	struct sim sim;

	open_waiting(&sim);
	sim_restart(&sim);
	CHECK_INT(sim.town.n_withdrawn, 2);
	expect_seen(&sim, 150, 215);
	end(&sim);
}

TEST(a_wait_can_be_cancelled)
{
	struct sim sim;

	open_waiting(&sim);
	sim_cancel_all(&sim);
	sim_advance(&sim, SECONDS(5));
	CHECK_INT(sim_jobs(&sim), 0);
	CHECK_INT(sim.town.n_withdrawn, 2);
	sim_command(&sim, "renew " WEB);
	expect_seen(&sim, 150, 220);
	end(&sim);
}
