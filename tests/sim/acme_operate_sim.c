/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "daemon/keeper/store/store.h"
#include "tests/sim/acme.h"

/*
 * What operators command about ACME, on good days and with one thing going wrong at every moment: a
 * version is revoked only once its successor is served, and an account is never lost to a new key.
 */

static struct fake_acme *begin(struct sim *sim, const char *config)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	sim->may_roll = true;
	sim_until(sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	sim_rest(sim, MINUTES(5));
	return acme;
}

/* The current version, as versions tells it. */
static char *current(struct sim *sim)
{
	const char *row, *end;

	sim_command(sim, "show " WEB);
	row = strstr(buf_text(&sim->said), " curr=");
	REQUIRE(row);
	end = strchr(row + 6, ' ');
	return mem_strndup(row + 6, (size_t)(end - row - 6));
}

TEST(a_version_is_replaced_before_it_is_revoked)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	const struct acme_counts *counts = fake_acme_counts(a);
	char *old AUTO_FREE = current(&sim), *new = NULL;

	sim_command(&sim, "revoke " WEB " reason=superseded");
	sim_until(&sim, EVENT_CERT_ROLLED, WEB, MINUTES(1));
	CHECK_INT(counts->n_revoked, 0);
	sim_until(&sim, EVENT_CERT_REVOKED, WEB, MINUTES(1));
	CHECK_INT(counts->n_revoked, 1);
	CHECK_INT(counts->n_issued, 2);
	sim_rest(&sim, MINUTES(5));
	new = current(&sim);
	CHECK(!str_is(old, new));
	free(new);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

TEST(a_target_that_fails_spares_the_old_version)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	const char *why;

	town_script(&sim.town, "reload front", NULL, 1, ERR_COMMAND_FAILED, 0);
	sim_command(&sim, "revoke " WEB);
	sim_until(&sim, EVENT_TARGET_FAILED, WEB, MINUTES(1));
	CHECK_INT(fake_acme_counts(a)->n_revoked, 0);
	sim_command(&sim, "why " WEB);
	why = buf_text(&sim.said);
	CHECK(strstr(why, " waits to be revoked since ") && strstr(why, "once every target"));
	/* Once it is served, the rest is done. */
	sim_until(&sim, EVENT_CERT_REVOKED, WEB, MINUTES(2));
	sim_rest(&sim, MINUTES(5));
	CHECK_INT(fake_acme_counts(a)->n_revoked, 1);
	CHECK_INT(fake_acme_counts(a)->n_issued, 2);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* A CA that does not take the account's word hears the certificate's own key; trouble passes. */
TEST(a_revocation_goes_through_what_a_ca_says)
{
	static const struct {
		int status;
		const char *type;
		int times;
		unsigned n_asked;
		bool is_done;
	} rows[] = {
		{ 403, "unauthorized", 1, 2, true },
		{ 500, "serverInternal", 2, 3, true },
		{ 400, "alreadyRevoked", 1, 1, true },
		{ 403, "unauthorized", 2, 2, false },
		{ 400, "badRevocationReason", 1, 1, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

		fake_acme_trouble(
			a, ASK_REVOKE, rows[i].status, rows[i].type, 0, rows[i].times);
		sim_command(&sim, "revoke " WEB);
		sim_until(&sim, EVENT_CERT_ROLLED, WEB, MINUTES(1));
		sim_rest(&sim, MINUTES(5));
		CHECK_INT(fake_acme_counts(a)->n_asked[ASK_REVOKE], rows[i].n_asked);
		CHECK_INT(sim_count(&sim, EVENT_CERT_REVOKED, WEB), rows[i].is_done);
		sim_expect_settled(&sim);
		sim_close(&sim);
	}
}

#define LIMITED                                                                                \
	ACME_DAEMON                                                                            \
	"cas:\n  a: {type: acme, directory: 'https://a.test/dir', terms_agreed: true, "        \
	"challenge: http-01, limits: letsencrypt}\n" ONE_CERT

/* What was asked of a CA counts in the next life, too, so that no loop of restarts uses up its limits. */
TEST(a_limit_is_known_after_a_restart)
{
	struct sim sim;
	const struct acme_counts *counts = fake_acme_counts(begin(&sim, LIMITED));

	for (int i = 0; i < 4; i++) {
		sim_restart(&sim);
		sim_command(&sim, "renew " WEB " --force");
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
		sim_rest(&sim, MINUTES(5));
	}
	CHECK_INT(counts->n_issued, 5);
	sim_restart(&sim);
	sim_command(&sim, "renew " WEB " --force");
	sim_advance(&sim, HOURS(1));
	CHECK_INT(counts->n_orders, 5);
	sim_command(&sim, "why " WEB);
	if (!strstr(buf_text(&sim.said),
		    "At the CA a 5 of 5 certificates for exactly these names are used"))
		TEST_FAIL("%s", buf_text(&sim.said));
	/* They come back one by one. */
	sim_advance(&sim, DAYS(2));
	sim_restart(&sim);
	sim_command(&sim, "renew " WEB " --force");
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
	sim_rest(&sim, MINUTES(5));
	CHECK_INT(counts->n_issued, 6);
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* A CA that cannot be told is told later, over a restart, however many versions there were meanwhile. */
TEST(a_revocation_waits_for_its_ca)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	char *old AUTO_FREE = current(&sim);

	fake_acme_trouble(a, ASK_REVOKE, 500, "serverInternal", 0, 1000);
	sim_command(&sim, "revoke " WEB " reason=superseded");
	sim_until(&sim, EVENT_CERT_ROLLED, WEB, MINUTES(1));
	sim_advance(&sim, DAYS(2));
	for (int i = 0; i < 4; i++) {
		sim_command(&sim, "renew " WEB " --force");
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(1));
		sim_advance(&sim, HOURS(1));
	}
	sim_command(&sim, "why " WEB);
	CHECK(strstr(buf_text(&sim.said), old) &&
		strstr(buf_text(&sim.said), "could not be told"));
	sim_command(&sim, "prune " WEB " keep=0");
	CHECK_INT(fake_acme_counts(a)->n_revoked, 0);
	/* A try an hour, of a few posts each. */
	CHECK(fake_acme_counts(a)->n_asked[ASK_REVOKE] < 2 * 24 * 7);
	sim_restart(&sim);
	fake_acme_forgive(a);
	sim_until(&sim, EVENT_CERT_REVOKED, WEB, DAYS(2));
	sim_rest(&sim, MINUTES(5));
	CHECK_INT(fake_acme_counts(a)->n_revoked, 1);
	CHECK_INT(fake_acme_counts(a)->n_issued, 6);
	sim_command(&sim, "why " WEB);
	CHECK(!strstr(buf_text(&sim.said), "waits to be revoked"));
	sim_expect_settled(&sim);
	sim_close(&sim);
}

/* Is it noted, so that the CA will hear of it whatever happens? */
static bool is_noted(struct sim *sim)
{
	struct cert_facts facts CLEANUP(facts_done) = { .cert = NULL };
	struct err err;

	REQUIRE(store_read(sim->store, WEB, &facts, &err) == 0);
	return version_is_set(&facts.revocation.of);
}

static unsigned revoked(struct fake_acme *a)
{
	return fake_acme_counts(a)->n_revoked;
}

/*
 * At every moment the daemon dies or the job is cancelled; it is well afterwards.  What was noted when the
 * daemon died is revoked by itself, exactly that, and a repetition ends everything else.
 */
static unsigned live(const char *command, unsigned at, bool is_death)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	char *old AUTO_FREE = current(&sim), *request AUTO_FREE = NULL, *now AUTO_FREE = NULL;
	struct instant until = instant_add(clock_now(), SECONDS(15));
	bool must_be_told = false;
	unsigned n = 0;

	sim_command(&sim, command);
	do {
		if (n == at && is_death) {
			must_be_told = is_noted(&sim) || revoked(a) > 0;
			sim_restart(&sim);
		} else if (n == at) {
			sim_cancel_all(&sim);
		}
		n++;
	} while (sim_step(&sim, until));
	sim_advance(&sim, MINUTES(20));
	sim_rest(&sim, MINUTES(5));
	now = current(&sim);
	CHECK(fake_acme_counts(a)->n_revoked == 0 || !str_is(now, old));
	CHECK_INT(fake_acme_counts(a)->n_accounts, 1);
	CHECK(!must_be_told || revoked(a) == 1);
	CHECK(!is_noted(&sim));
	request = mem_printf("revoke " WEB " version=%s", old);
	sim_command(&sim, request);
	sim_rest(&sim, MINUTES(5));
	CHECK_INT(fake_acme_counts(a)->n_revoked, 1);
	sim_expect_settled(&sim);
	sim_close(&sim);
	return n;
}

static void sweep(const char *command)
{
	unsigned n = live(command, UINT32_MAX, false), stride = sim_is_long() ? 1 : 7;

	for (unsigned at = 0; at < n; at += stride) {
		live(command, at, true);
		live(command, at, false);
	}
}

TEST(a_revocation_that_is_cut_short_can_be_repeated)
{
	sweep("revoke " WEB);
}

TEST(an_account_survives_a_rollover_that_is_cut_short)
{
	sweep("accounts rollover=a");
}
