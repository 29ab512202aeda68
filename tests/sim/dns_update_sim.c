/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/update_world.h"

/*
 * Records published by dynamic updates, by the keeper's own code: a primary that refuses, does not know the key,
 * has another time, loses what it answers.  Each ends in one right sentence, nothing stays in the zone or the
 * journal, and no CA is asked in vain.
 */

#define SERVER "server: 192.0.2.1, "
#define CERT(service, names) "    " service ": {ca: a, names: [" names "], deploy: [front]}\n"
#define WILDCARD CERT("web", "example.com, '*.example.com'")

#define NOBODY "{publish: {type: command, add: [nobody], remove: [nobody]}}"

/* Instead of a format that is no literal. */
static char *replaced(const char *text, const char *word)
{
	const char *at = strstr(text, "%s");

	return mem_printf("%.*s%s%s", (int)(at - text), text, word, at + 2);
}

static struct primary *begin(struct sim *sim)
{
	return update_open(sim, SERVER, WILDCARD, 1);
}

static const struct acme_counts *counts_of(const struct sim *sim)
{
	return fake_acme_counts(sim->acmes[0]);
}

/* Nothing of ours is left anywhere. */
static void expect_gone(const struct sim *sim)
{
	CHECK(!wires_holds(&sim->wires, NULL, DNS_TXT, NULL));
	CHECK_INT(fake_challenges_left(&sim->town), 0);
}

static void end(struct sim *sim)
{
	sim_rest(sim, MINUTES(5));
	/* What could not be withdrawn is tried again after ten minutes. */
	sim_advance(sim, MINUTES(12));
	sim_rest(sim, MINUTES(5));
	sim_expect_settled(sim);
	CHECK_INT(counts_of(sim)->n_invalid, 0);
	expect_gone(sim);
	sim_close(sim);
}

static bool why_says(struct sim *sim, const char *text)
{
	bool says = strstr(sim_command(sim, "why " WEB), text) != NULL;

	if (!says)
		printf("# %s\n", buf_text(&sim->said));
	return says;
}

static void expect_deployed(struct sim *sim, struct duration at_most)
{
	sim_until(sim, EVENT_CERT_DEPLOYED, WEB, at_most);
	CHECK_INT(counts_of(sim)->n_orders, 1);
}

TEST(one_message_publishes_and_one_withdraws)
{
	struct sim sim;
	const struct primary *primary = begin(&sim);

	expect_deployed(&sim, MINUTES(2));
	sim_rest(&sim, MINUTES(1));
	CHECK_INT(primary->n_applied, 2);
	CHECK_INT(counts_of(&sim)->n_validated, 2);
	CHECK_INT(sim_count(&sim, EVENT_DNS_UPDATED, NULL), 2);
	end(&sim);
}

/* Whatever zones the names lie in: each goes by the nearest entry, and a server knows it by its real apex. */
TEST(each_zone_goes_by_the_nearest_entry)
{
	static const struct {
		const char *zones, *names;
		unsigned n_zones;
	} rows[] = {
		{ "default: %s", "example.com, www.example.com", 1 },
		{ "default: %s", "www.other.net", 1 },
		{ "default: %s", "example.com, www.other.net", 2 },
		{ "default: " NOBODY ", com: %s", "www.example.com", 1 },
		{ "default: %s, com: {primary: 192.0.2.1}", "www.example.com", 1 },
		{ "com: " NOBODY ", example.com: %s", "www.example.com", 1 },
		{ "com: " NOBODY ", www.example.com: %s", "www.example.com", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *entry AUTO_FREE = update_entry(SERVER), *zones AUTO_FREE = NULL;
		char *certs AUTO_FREE = mem_printf(CERT("web", "%s"), rows[i].names);
		const struct primary *primary;
		int before = test_failures;
		struct sim sim;

		zones = replaced(rows[i].zones, entry);
		primary = update_open_zones(&sim, zones, certs, 1);
		wires_serve(&sim.wires, "net", "ns.net", "203.0.113.2", 0);
		wires_serve(&sim.wires, "other.net", "ns1.example.com", WIRES_NS1, 0);
		expect_deployed(&sim, MINUTES(2));
		sim_rest(&sim, MINUTES(1));
		CHECK_INT(primary->n_applied, 2 * rows[i].n_zones);
		end(&sim);
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

/* What the primary does for as long as it is not mended, what the user is told, and whether the zone is named. */
struct row {
	enum primary_fault fault;
	const char *key, *secret;
	int64_t clock_off_s, late_ms;
	const char *says;
};

static void spoil(struct primary *primary, const struct row *row)
{
	primary->fault = row->fault;
	primary->n_faults = -1;
	primary->key = row->key ? row->key : "key";
	primary->secret = row->secret ? row->secret : SECRET;
	primary->clock_off_s = row->clock_off_s;
	primary->late_ms = row->late_ms;
}

TEST(each_trouble_ends_in_its_own_sentence)
{
	static const struct row rows[] = {
		{ .fault = PRIMARY_REFUSES,
			.says = "does not let us change it (REFUSED, key key)" },
		{ .fault = PRIMARY_NOTAUTH,
			.says = "is not its primary, or does not let us change it (NOTAUTH, "
				"key key)" },
		{ .key = "other",
			.says = "does not know the key key, or does not let it change this "
				"(BADKEY, hmac-sha256)" },
		{ .secret = "other",
			.says = "finds the signature wrong: it has another secret for the key "
				"key (BADSIG, hmac-sha256)" },
		{ .clock_off_s = 3600,
			.says = "because its clock is 1h ahead of ours (BADTIME)" },
		{ .clock_off_s = -3600,
			.says = "because its clock is 1h behind ours (BADTIME)" },
		{ .fault = PRIMARY_FAILS, .says = "failed at the update (SERVFAIL" },
		{ .fault = PRIMARY_UNSIGNED, .says = "proves nothing: it is not signed" },
		{ .fault = PRIMARY_FORGED, .says = "proves nothing: its signature is wrong" },
		{ .fault = PRIMARY_DEAF, .says = "192.0.2.1 does not answer" },
		{ .fault = PRIMARY_MUTE, .says = "192.0.2.1 does not answer" },
		{ .late_ms = 11000, .says = "192.0.2.1 does not answer" },
		{ .fault = PRIMARY_AWAY, .says = "cannot be reached: Connection refused" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct primary *primary = begin(&sim);
		int before = test_failures;

		spoil(primary, &rows[i]);
		/* Some may pass, and are told while they are tried again until the deadline. */
		sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(35));
		CHECK(why_says(&sim, rows[i].says));
		CHECK_INT(counts_of(&sim)->n_asked[ASK_CHALLENGE], 0);
		mend(primary);
		expect_deployed(&sim, HOURS(1));
		end(&sim);
		if (test_failures != before)
			printf("# row %zu: %s\n", i, rows[i].says);
	}
}

TEST(passing_trouble_is_nobodys_business)
{
	static const struct row rows[] = {
		{ .fault = PRIMARY_FAILS },
		{ .fault = PRIMARY_UNSIGNED },
		{ .fault = PRIMARY_DEAF },
		{ .fault = PRIMARY_MUTE },
		{ .fault = PRIMARY_AWAY },
		{ .clock_off_s = 290, .late_ms = 9000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct primary *primary = begin(&sim);
		int before = test_failures;

		spoil(primary, &rows[i]);
		primary->n_faults = 2;
		expect_deployed(&sim, MINUTES(2));
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
		end(&sim);
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

/* It goes away when there is something to withdraw, and comes back much later. */
TEST(what_cannot_be_withdrawn_is_not_forgotten)
{
	struct sim sim;
	struct primary *primary = begin(&sim);

	while (primary->n_applied == 0)
		sim_step(&sim, INSTANT_NEVER);
	primary->fault = PRIMARY_AWAY;
	primary->n_faults = -1;
	expect_deployed(&sim, MINUTES(5));
	sim_advance(&sim, MINUTES(5));
	CHECK(wires_holds(&sim.wires, NULL, DNS_TXT, NULL));
	CHECK_INT(fake_challenges_left(&sim.town), 2);
	CHECK_INT(sim_count(&sim, EVENT_CHALLENGE_LEFT, NULL), 2);
	mend(primary);
	end(&sim);
}

/* The same, and the daemon dies: another life knows of it from the journal alone. */
TEST(another_life_withdraws_it)
{
	struct sim sim;
	struct primary *primary = begin(&sim);

	while (primary->n_applied == 0)
		sim_step(&sim, INSTANT_NEVER);
	primary->fault = PRIMARY_AWAY;
	primary->n_faults = -1;
	expect_deployed(&sim, MINUTES(5));
	sim_restart(&sim);
	sim_advance(&sim, MINUTES(1));
	CHECK(wires_holds(&sim.wires, NULL, DNS_TXT, NULL));
	mend(primary);
	end(&sim);
}

TEST(the_soa_record_names_who_takes_updates)
{
	struct sim sim;
	const struct primary *primary = update_open(&sim, "", WILDCARD, 1);

	expect_deployed(&sim, MINUTES(2));
	CHECK(primary->n_applied > 0);
	end(&sim);
}

/* An alias comes into being between the look and the update. */
TEST(nothing_is_put_beside_an_alias)
{
	struct sim sim;
	const struct primary *primary = begin(&sim);

	while (fake_challenges_left(&sim.town) == 0)
		sim_step(&sim, INSTANT_NEVER);
	wires_add(
		&sim.wires, "_acme-challenge.example.com", DNS_CNAME, "elsewhere.example.com");
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(5));
	CHECK(why_says(&sim, "has a CNAME where a record is to be, which would be ignored "
			     "beside it (YXRRSET"));
	CHECK_INT(counts_of(&sim)->n_asked[ASK_CHALLENGE], 0);
	CHECK_INT(primary->n_applied, 0);
	wires_remove(
		&sim.wires, "_acme-challenge.example.com", DNS_CNAME, "elsewhere.example.com");
	expect_deployed(&sim, HOURS(1));
	end(&sim);
}

/* Who else has records there keeps them, also one of the same owner. */
TEST(foreign_records_stay)
{
	struct sim sim;

	begin(&sim);
	wires_add(&sim.wires, "_acme-challenge.example.com", DNS_TXT, "somebody else's");
	expect_deployed(&sim, MINUTES(2));
	sim_rest(&sim, MINUTES(5));
	CHECK(wires_holds(
		&sim.wires, "_acme-challenge.example.com", DNS_TXT, "somebody else's"));
	wires_remove(&sim.wires, "_acme-challenge.example.com", DNS_TXT, "somebody else's");
	end(&sim);
}

/* Runs until the CA was asked to look, and is about to. */
static void open_looking(struct sim *sim, int64_t validate_ms)
{
	begin(sim);
	fake_acme_knobs(sim->acmes[0])->validate_ms = validate_ms;
	while (counts_of(sim)->n_asked[ASK_CHALLENGE] < 2)
		sim_step(sim, INSTANT_NEVER);
	sim_advance(sim, SECONDS(1));
	CHECK_INT(counts_of(sim)->n_validated, 0);
}

/* What is withdrawn under a CA's eyes counts as a failure of the name, and ends the order. */
TEST(a_stop_lets_the_ca_finish_its_look)
{
	struct sim sim;

	open_looking(&sim, 4000);
	CHECK(sim_stop(&sim));
	CHECK_INT(counts_of(&sim)->n_validated, 2);
	expect_deployed(&sim, MINUTES(1));
	end(&sim);
}

TEST(a_cancel_lets_the_ca_finish_its_look)
{
	struct sim sim;

	open_looking(&sim, 4000);
	sim_cancel_all(&sim);
	sim_rest(&sim, MINUTES(1));
	CHECK_INT(counts_of(&sim)->n_validated, 2);
	sim_command(&sim, "renew " WEB);
	expect_deployed(&sim, MINUTES(1));
	end(&sim);
}

/* A CA that takes its time holds up nobody: what it finds missing is found missing. */
TEST(a_stop_waits_for_no_slow_ca)
{
	struct instant begun;
	struct sim sim;

	open_looking(&sim, 60000);
	begun = clock_now();
	CHECK(sim_stop(&sim));
	CHECK(instant_since(clock_now(), begun).s <= 10);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(2));
	sim_rest(&sim, MINUTES(5));
	expect_gone(&sim);
	sim_close(&sim);
}

/* A death can give it no time.  What the CA makes of it is the next life's to find out. */
TEST(a_death_while_the_ca_looks_is_gone_on_with)
{
	struct sim sim;

	open_looking(&sim, 4000);
	sim_restart(&sim);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(2));
	sim_rest(&sim, MINUTES(5));
	expect_gone(&sim);
	sim_close(&sim);
}
