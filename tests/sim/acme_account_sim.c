/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "daemon/keeper/store/store_file.h"
#include "tests/sim/acme.h"

/* Accounts that their CA does not let in: one state of the account, for which all certificates wait. */

static struct fake_acme *begin(struct sim *sim, const char *config)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	sim_until(sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	sim_rest(sim, MINUTES(5));
	return acme;
}

static void settle(struct sim *sim)
{
	sim_rest(sim, MINUTES(5));
	sim_expect_settled(sim);
}

static unsigned asked(struct fake_acme *acme, enum acme_ask ask)
{
	return fake_acme_counts(acme)->n_asked[ask];
}

static void check_told(struct sim *sim, const char *reason)
{
	const char *text = sim_command(sim, "why " WEB);

	CHECK(strstr(text, "the CA does not let our account in") != NULL);
	CHECK(strstr(text, "Our account is refused since ") != NULL);
	CHECK(strstr(text, reason) != NULL);
	CHECK(strstr(text, "the certificate goes on by itself") != NULL);
	text = sim_command(sim, "status " WEB);
	CHECK(strstr(text, " health=failing") && strstr(text, " why=account ") &&
		strstr(text, " error=account-refused"));
	text = sim_command(sim, "accounts");
	CHECK(strstr(text, " refused=account-refused ") && strstr(text, " refused_text=") &&
		strstr(text, " refused_since=2026-") && strstr(text, " asked_again=2026-"));
}

/* Two certificates come due, and neither fails: each places at most the one order that finds it out. */
TEST(a_deactivated_account_is_one_state)
{
	for (int tells_status = 0; tells_status < 2; tells_status++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA TWO_CERTS);
		unsigned orders = asked(a, ASK_NEW_ORDER), looks;

		fake_acme_knobs(a)->tells_status = tells_status;
		fake_acme_shut_accounts(a, true);
		sim_until(&sim, EVENT_ACME_REFUSED, NULL, DAYS(65));
		sim_advance(&sim, DAYS(1));
		CHECK(asked(a, ASK_NEW_ORDER) - orders <= 2);
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
		CHECK_INT(sim_facts(&sim, WEB)->failure.code, ERR_NONE);
		check_told(&sim, "deactivated");
		/* Asked about once an hour, by the key. */
		looks = asked(a, ASK_NEW_ACCOUNT);
		orders = asked(a, ASK_NEW_ORDER);
		sim_advance(&sim, HOURS(10));
		CHECK(asked(a, ASK_NEW_ACCOUNT) - looks >= 9 &&
			asked(a, ASK_NEW_ACCOUNT) - looks <= 11);
		CHECK_INT(asked(a, ASK_NEW_ORDER), orders);
		CHECK(sim_count(&sim, EVENT_ACME_REFUSED, NULL) <= 2);
		/* It heals, and all goes on without a word from anybody. */
		fake_acme_shut_accounts(a, false);
		sim_until(&sim, EVENT_ACME_ADMITTED, NULL, HOURS(2));
		sim_until(&sim, EVENT_CERT_DEPLOYED, NULL, MINUTES(10));
		sim_advance(&sim, DAYS(3));
		settle(&sim);
		CHECK_INT(fake_acme_counts(a)->n_issued, 4);
		CHECK_INT(fake_acme_counts(a)->n_accounts, 1);
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
		CHECK(strstr(sim_command(&sim, "accounts"), "refused") == NULL);
		sim_close(&sim);
	}
}

TEST(a_refused_account_is_told_after_a_restart)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	char since[80] = "";
	const char *at;

	fake_acme_shut_accounts(a, true);
	sim_until(&sim, EVENT_ACME_REFUSED, NULL, DAYS(65));
	sim_advance(&sim, HOURS(3));
	at = strstr(sim_command(&sim, "accounts"), "refused_since=");
	REQUIRE(at);
	snprintf(since, sizeof(since), "%.*s", (int)strcspn(at, " \n"), at);
	sim_restart(&sim);
	sim_advance(&sim, MINUTES(1));
	CHECK(strstr(sim_command(&sim, "accounts"), since) != NULL);
	check_told(&sim, "deactivated");
	CHECK_INT(sim_count(&sim, EVENT_ACME_REFUSED, NULL), 1);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	fake_acme_shut_accounts(a, false);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(2));
	settle(&sim);
	sim_close(&sim);
}

/* The key goes, as the catalog says, and a reload has a new account registered. */
/* A loop of an operator's asks the CA no faster than the timer; --force does. */
TEST(a_refused_account_waits_for_its_time_or_for_force)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	unsigned before;

	fake_acme_shut_accounts(a, true);
	sim_until(&sim, EVENT_ACME_REFUSED, NULL, DAYS(65));
	sim_advance(&sim, HOURS(3));
	before = asked(a, ASK_NEW_ACCOUNT);
	for (int i = 0; i < 5; i++) {
		sim_command(&sim, "renew " WEB);
		sim_advance(&sim, SECONDS(10));
	}
	CHECK_INT(asked(a, ASK_NEW_ACCOUNT), before);
	sim_command(&sim, "renew " WEB " --force");
	sim_advance(&sim, SECONDS(10));
	CHECK(asked(a, ASK_NEW_ACCOUNT) > before);
	sim_close(&sim);
}

TEST(a_new_account_in_the_place_of_one_that_is_shut)
{
	for (int reloads = 0; reloads < 2; reloads++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
		struct err err;

		fake_acme_shut_accounts(a, true);
		sim_until(&sim, EVENT_ACME_REFUSED, NULL, DAYS(65));
		sim_advance(&sim, HOURS(5));
		CHECK_INT(store_file_remove(sim.store, "accounts/a/key.pem", &err), 0);
		CHECK_INT(store_file_remove(sim.store, "accounts/a/account", &err), 0);
		CHECK_INT(store_file_remove(sim.store, "accounts/a/refusal", &err), 0);
		if (reloads)
			CHECK_INT(sim_reload(&sim, ONE_CA ONE_CERT), 0);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, reloads ? MINUTES(1) : HOURS(2));
		settle(&sim);
		CHECK_INT(fake_acme_counts(a)->n_accounts, 2);
		CHECK_INT(sim_count(&sim, EVENT_ACME_ADMITTED, NULL), 1);
		sim_close(&sim);
	}
}

/* Some CAs that lost everything answer 500 to what they do not know: the key is asked about. */
TEST(an_account_that_was_wiped_and_answers_500)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

	fake_acme_knobs(a)->fails_for_lost = true;
	fake_acme_lose_accounts(a);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, DAYS(65));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_accounts, 2);
	CHECK_INT(sim_count(&sim, EVENT_ACME_LOST, NULL), 1);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	sim_close(&sim);
}

TEST(an_account_that_is_answered_500_for_ever)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA TWO_CERTS);

	fake_acme_trouble(a, ASK_COUNT, 500, "serverInternal", 0, -1);
	sim_until(&sim, EVENT_ACME_REFUSED, NULL, DAYS(65));
	sim_advance(&sim, HOURS(12));
	check_told(&sim, "as it was asked for");
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	fake_acme_forgive(a);
	sim_until(&sim, EVENT_ACME_ADMITTED, NULL, HOURS(2));
	sim_advance(&sim, DAYS(3));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_issued, 4);
	sim_close(&sim);
}

/* An account that a CA does not register is the same state. */
TEST(an_account_that_is_not_registered)
{
	struct sim sim;
	struct fake_acme *a;

	sim_open(&sim, ONE_CA TWO_CERTS, 1);
	a = sim_acme(&sim, A_TEST);
	fake_acme_trouble(a, ASK_NEW_ACCOUNT, 403, "externalAccountRequired", 0, -1);
	sim_advance(&sim, HOURS(6));
	check_told(&sim, "externalAccountRequired");
	CHECK_INT(asked(a, ASK_NEW_ORDER), 0);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	CHECK_INT(sim_count(&sim, EVENT_ACME_REFUSED, NULL), 1);
	/* An operator in a hurry asks at once. */
	fake_acme_forgive(a);
	sim_command(&sim, "renew " WEB " --force");
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	sim_advance(&sim, MINUTES(1));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_issued, 2);
	sim_close(&sim);
}

TEST(another_ca_steps_in_for_a_refused_account)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, TWO_CAS WEB_OF("[a, b]") FRONT), *b;

	b = sim_acme(&sim, B_TEST);
	fake_acme_shut_accounts(a, true);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, DAYS(65));
	settle(&sim);
	CHECK_INT(fake_acme_counts(b)->n_issued, 1);
	CHECK_INT(sim_count(&sim, EVENT_ACME_REFUSED, NULL), 1);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	sim_close(&sim);
}
