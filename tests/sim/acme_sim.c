/* SPDX-License-Identifier: MIT */
#include "tests/sim/scenario.h"

#include "tests/sim/acme.h"

/* Certificates from ACME CAs, on good days and bad ones. */

static struct fake_acme *begin(struct sim *sim, const char *config)
{
	struct fake_acme *acme;

	sim_open(sim, config, 1);
	acme = sim_acme(sim, A_TEST);
	fake_acme_knobs(acme)->has_renewal_info = true;
	fake_acme_knobs(acme)->ask_again = DAYS(1);
	return acme;
}

static void settle(struct sim *sim)
{
	sim_rest(sim, MINUTES(5));
	sim_expect_settled(sim);
}

static int64_t since_start(struct instant at)
{
	return instant_since(at, SIM_START).s;
}

TEST(a_certificate_is_issued_and_renewed)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	const struct acme_counts *counts = fake_acme_counts(a);

	fake_acme_knobs(a)->ask_again = HOURS(6);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	settle(&sim);
	CHECK_INT(counts->n_orders, 1);
	CHECK_INT(counts->n_issued, 1);
	sim_advance(&sim, DAYS(200));
	settle(&sim);
	/* At two thirds of 90 days each, where renewal information says so. */
	CHECK_INT(counts->n_orders, 4);
	CHECK_INT(counts->n_issued, 4);
	CHECK_INT(counts->n_accounts, 1);
	CHECK_INT(counts->n_replacing, 3);
	CHECK_INT(counts->n_invalid, 0);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, NULL), 0);
	/* Four times a day is what the CA asked for. */
	CHECK(counts->n_asked[ASK_RENEWAL] >= 200 * 3);
	CHECK(counts->n_asked[ASK_RENEWAL] <= 200 * 4 + 10);
	sim_close(&sim);
}

TEST(a_window_that_has_passed_renews_at_once)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	sim_advance(&sim, DAYS(3));
	CHECK_INT(fake_acme_counts(a)->n_issued, 1);
	/* It will be revoked. */
	fake_acme_knobs(a)->window_start = instant_sub(clock_now(), HOURS(2));
	fake_acme_knobs(a)->window_end = instant_sub(clock_now(), HOURS(1));
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, HOURS(25));
	fake_acme_knobs(a)->window_start = INSTANT_NONE;
	sim_advance(&sim, DAYS(3));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_issued, 2);
	CHECK_INT(fake_acme_counts(a)->n_replacing, 1);
	sim_close(&sim);
}

/* What the CA does not take as replaced is not named again, in no later order either, until it is replaced. */
TEST(a_refused_replacement_is_not_named_again)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	const struct acme_counts *counts = fake_acme_counts(a);

	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	sim_rest(&sim, MINUTES(1));
	/* The order that names it, and the one that goes without. */
	fake_acme_trouble(a, ASK_NEW_ORDER, 409, "alreadyReplaced", 0, 2);
	sim_until(&sim, EVENT_CERT_FAILED, WEB, DAYS(90));
	CHECK_INT(counts->n_orders, 1);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, DAYS(2));
	CHECK_INT(counts->n_issued, 2);
	CHECK_INT(counts->n_replacing, 0);
	/* The next version is another one. */
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, DAYS(90));
	CHECK_INT(counts->n_replacing, 1);
	sim_rest(&sim, DAYS(2));
	settle(&sim);
	sim_close(&sim);
}

#define STAGED                                                                                 \
	ACME_DAEMON                                                                            \
	"cas:\n  a: {type: acme, directory: 'https://a.test/dir', terms_agreed: true, "        \
	"staging: 'https://b.test/dir', challenge: http-01}\n"

/* The staging directory is told of no version, so its refusal is about none. */
TEST(a_refusal_in_a_test_leaves_nothing_behind)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, STAGED ONE_CERT), *b = sim_acme(&sim, B_TEST);

	fake_acme_knobs(b)->has_renewal_info = true;
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	sim_rest(&sim, MINUTES(1));
	fake_acme_trouble(b, ASK_NEW_ORDER, 403, "rejectedIdentifier", 0, 1);
	CHECK(strstr(sim_command(&sim, "renew " WEB " --test"), "ok job="));
	sim_rest(&sim, MINUTES(1));
	CHECK_INT(fake_acme_counts(b)->n_asked[ASK_NEW_ORDER], 1);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, DAYS(90));
	CHECK_INT(fake_acme_counts(a)->n_replacing, 1);
	sim_rest(&sim, DAYS(2));
	settle(&sim);
	sim_close(&sim);
}

TEST(records_prove_wildcards)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ACME_DAEMON
		"dns: {zones: {default: {publish: {type: command, add: [add], "
		"remove: [remove]}}}}\n"
		"cas:\n" ACME_CA("a",
			"dns-01") "groups:\n  example.com:\n"
				  "    web: {ca: a, names: [example.com, '*.example.com'], "
				  "deploy: [front]}\n" FRONT);

	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_validated, 2);
	CHECK_INT(fake_acme_counts(a)->n_orders, 1);
	sim_close(&sim);
}

TEST(another_ca_steps_in_and_back_again)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, TWO_CAS WEB_OF("[a, b]") FRONT), *b;

	b = sim_acme(&sim, B_TEST);
	internet_down(&sim.internet, A_TEST, true);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(1));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_issued, 0);
	CHECK_INT(fake_acme_counts(b)->n_issued, 1);
	CHECK_INT(sim_count(&sim, EVENT_ACME_FAILOVER, WEB), 1);
	internet_down(&sim.internet, A_TEST, false);
	sim_until(&sim, EVENT_CERT_ISSUED, WEB, DAYS(70));
	sim_rest(&sim, MINUTES(5));
	CHECK_INT(fake_acme_counts(a)->n_issued, 1);
	CHECK_INT(fake_acme_counts(b)->n_issued, 1);
	/* What b issued is not for a to replace. */
	CHECK_INT(fake_acme_counts(a)->n_replacing, 0);
	settle(&sim);
	sim_close(&sim);
}

TEST(what_is_wrong_with_a_name_is_no_reason_to_ask_another_ca)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, TWO_CAS WEB_OF("[a, b]") FRONT), *b;

	b = sim_acme(&sim, B_TEST);
	fake_acme_refuse(a, "www.example.com");
	sim_advance(&sim, DAYS(2));
	CHECK_INT(fake_acme_counts(b)->n_orders, 0);
	/* A few on the first day, then one a day. */
	CHECK(fake_acme_counts(a)->n_orders >= 3);
	CHECK(fake_acme_counts(a)->n_orders <= 8);
	CHECK(sim_count(&sim, EVENT_CERT_FAILED, WEB) >= 1);
	fake_acme_forgive(a);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(25));
	settle(&sim);
	sim_close(&sim);
}

TEST(a_challenge_that_stays_pending_is_answered_again)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
	const struct acme_counts *counts = fake_acme_counts(a);

	fake_acme_knobs(a)->looks_once = true;
	fake_acme_refuse(a, "www.example.com");
	sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(2));
	CHECK_INT(counts->n_asked[ASK_CHALLENGE], 1 + 4);
	CHECK(strstr(sim_command(&sim, "why " WEB), "not-validated") != NULL);
	CHECK(strstr(sim_command(&sim, "why " WEB), "it does not show") != NULL);
	sim_until(&sim, EVENT_JOB_STARTED, WEB, DAYS(1));
	sim_advance(&sim, SECONDS(3));
	fake_acme_forgive(a);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(2));
	settle(&sim);
	CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), 1);
	sim_close(&sim);
}

TEST(a_limit_is_waited_for)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA TWO_CERTS);
	const struct acme_counts *counts = fake_acme_counts(a);

	fake_acme_trouble(a, ASK_NEW_ORDER, 429, "rateLimited", 7200, 2);
	sim_advance(&sim, SECONDS(7195));
	CHECK_INT(counts->n_asked[ASK_NEW_ORDER], 2);
	CHECK_INT(counts->n_orders, 0);
	CHECK(strstr(sim_command(&sim, "why " WEB), "rate-limited") != NULL);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, HOURS(1));
	sim_advance(&sim, HOURS(1));
	CHECK(since_start(sim_last(&sim, EVENT_CERT_ISSUED, WEB)) < 7200 + 1200);
	settle(&sim);
	CHECK_INT(counts->n_issued, 2);
	sim_close(&sim);
}

TEST(short_trouble_is_sat_out)
{
	static const enum acme_ask asks[] = { ASK_NEW_ACCOUNT, ASK_NEW_ORDER, ASK_ORDER,
		ASK_AUTHZ, ASK_CHALLENGE, ASK_FINALIZE, ASK_CERT };

	for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
		int before = test_failures;

		fake_acme_trouble(a, asks[i], 503, "serverInternal", 0, 2);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(5));
		settle(&sim);
		CHECK_INT(sim_count(&sim, EVENT_CERT_FAILED, WEB), 0);
		CHECK_INT(fake_acme_counts(a)->n_orders, 1);
		sim_close(&sim);
		if (test_failures != before)
			printf("# trouble with %zu\n", i);
	}
}

TEST(an_account_that_the_ca_lost_is_registered_again)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	fake_acme_lose_accounts(a);
	sim_advance(&sim, DAYS(65));
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_issued, 2);
	CHECK_INT(fake_acme_counts(a)->n_accounts, 2);
	CHECK_INT(sim_count(&sim, EVENT_ACME_LOST, NULL), 1);
	sim_close(&sim);
}

TEST(an_order_that_is_processed_for_ever_is_given_up)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA TWO_CERTS);

	fake_acme_knobs(a)->n_stuck = 1;
	sim_advance(&sim, MINUTES(2));
	/* One of the two waits, the other one does not. */
	CHECK_INT(sim_count(&sim, EVENT_CERT_DEPLOYED, NULL), 1);
	sim_advance(&sim, HOURS(3));
	CHECK_INT(sim_count(&sim, EVENT_CERT_DEPLOYED, NULL), 2);
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_orders, 3);
	CHECK_INT(fake_acme_counts(a)->n_issued, 2);
	sim_close(&sim);
}

TEST(wrong_certificates_are_refused)
{
	for (enum acme_wrong wrong = WRONG_KEY; wrong <= WRONG_BLOCK; wrong++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);
		int before = test_failures;

		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
		fake_acme_knobs(a)->wrong = wrong;
		fake_acme_knobs(a)->n_wrong = 1;
		sim_until(&sim, EVENT_CERT_FAILED, WEB, DAYS(65));
		CHECK_INT(store_memory_added(sim.store, WEB), 1);
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, DAYS(1));
		settle(&sim);
		CHECK_INT(store_memory_added(sim.store, WEB), 2);
		CHECK_INT(fake_acme_counts(a)->n_issued, 3);
		sim_close(&sim);
		if (test_failures != before)
			printf("# wrong in way %d\n", wrong);
	}
}

static void lives_elsewhere(
	void *data, const struct http_request *request, struct http_reply *reply)
{
	char *url AUTO_FREE = mem_printf(A_TEST "%s", request->url + strlen(ACME_ELSEWHERE));
	struct http_request same = *request;

	same.url = url;
	fake_acme_answer(data, &same, reply);
}

/* `origins` names a second host of the CA, and with it the CA may name URLs there. */
TEST(a_ca_at_two_hosts)
{
	static const char *const keys[] = { "newNonce", "newAccount", "newOrder",
		"renewalInfo" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ACME_DAEMON
			"cas:\n  a: {type: acme, directory: 'https://a.test/dir', "
			"terms_agreed: true, "
			"challenge: http-01, origins: ['https://elsewhere.test']}\n" ONE_CERT);

		internet_serve(&sim.internet, ACME_ELSEWHERE, lives_elsewhere, a);
		fake_acme_knobs(a)->foreign = keys[i];
		sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
		settle(&sim);
		CHECK(internet_asked(&sim.internet, ACME_ELSEWHERE) > 0);
		/* A reload takes it away again. */
		CHECK_INT(sim_reload(&sim, ONE_CA ONE_CERT), 0);
		if (i < 3) {
			sim_advance(&sim, SECONDS(1));
			sim_command(&sim, "renew " WEB " --force");
			sim_until(&sim, EVENT_CERT_FAILED, WEB, MINUTES(1));
			CHECK(strstr(sim_command(&sim, "why " WEB),
				      "name that host in `origins` of the CA") != NULL);
		}
		sim_close(&sim);
	}
}

static void must_not_be_asked(
	void *data, const struct http_request *request, struct http_reply *reply)
{
	(void)data;
	reply->status = 200;
	sim_complain(request->url);
}

/* Whoever speaks for a CA sends us to nobody else, and we are well once it stops to try. */
TEST(a_ca_that_points_elsewhere_is_not_followed)
{
	static const struct {
		const char *key;
		bool is_fatal;
	} rows[] = { { "newNonce", true }, { "newAccount", true }, { "newOrder", true },
		{ "revokeCert", false }, { "renewalInfo", false } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sim sim;
		struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

		internet_serve(&sim.internet, ACME_ELSEWHERE, must_not_be_asked, NULL);
		sim.may_roll = true;
		fake_acme_knobs(a)->foreign = rows[i].key;
		sim_advance(&sim, HOURS(1));
		CHECK_INT(fake_acme_counts(a)->n_issued, rows[i].is_fatal ? 0 : 1);
		CHECK_INT(fake_acme_counts(a)->n_asked[ASK_NONCE] == 0, rows[i].is_fatal);
		if (rows[i].is_fatal) {
			CHECK(strstr(sim_command(&sim, "why " WEB), "foreign-url") != NULL);
			CHECK(strstr(sim_command(&sim, "why " WEB), rows[i].key) != NULL);
		}
		sim_command(&sim, "revoke " WEB);
		sim_advance(&sim, MINUTES(5));
		CHECK_INT(fake_acme_counts(a)->n_revoked,
			!rows[i].is_fatal && !str_is(rows[i].key, "revokeCert"));
		fake_acme_knobs(a)->foreign = NULL;
		sim_advance(&sim, HOURS(25));
		settle(&sim);
		CHECK_INT(internet_asked(&sim.internet, ACME_ELSEWHERE), 0);
		CHECK(fake_acme_counts(a)->n_issued >= 1);
		sim_close(&sim);
	}
}

TEST(a_clock_that_differs_is_told_and_stops_nothing)
{
	struct sim sim;
	struct fake_acme *a = begin(&sim, ONE_CA ONE_CERT);

	fake_acme_knobs(a)->ask_again = HOURS(1);
	fake_acme_knobs(a)->clock_ahead = SECONDS(-299);
	sim_until(&sim, EVENT_CERT_DEPLOYED, WEB, MINUTES(1));
	sim_advance(&sim, DAYS(1));
	CHECK_INT(sim_count(&sim, EVENT_CLOCK_DIFFERS, NULL), 0);
	CHECK(strstr(sim_command(&sim, "accounts"), "clock_ahead") == NULL);
	fake_acme_knobs(a)->clock_ahead = MINUTES(-12);
	sim_advance(&sim, HOURS(20));
	CHECK_INT(sim_count(&sim, EVENT_CLOCK_DIFFERS, NULL), 1);
	CHECK(strstr(sim_command(&sim, "accounts"), " clock_ahead=-720") != NULL);
	sim_advance(&sim, HOURS(20));
	CHECK_INT(sim_count(&sim, EVENT_CLOCK_DIFFERS, NULL), 2);
	fake_acme_knobs(a)->clock_ahead = DAYS(2);
	sim_advance(&sim, HOURS(3));
	CHECK_INT(sim_count(&sim, EVENT_CLOCK_DIFFERS, NULL), 3);
	fake_acme_knobs(a)->clock_ahead = SECONDS(0);
	sim_advance(&sim, DAYS(2));
	CHECK_INT(sim_count(&sim, EVENT_CLOCK_DIFFERS, NULL), 3);
	CHECK(strstr(sim_command(&sim, "accounts"), "clock_ahead") == NULL);
	settle(&sim);
	CHECK_INT(fake_acme_counts(a)->n_issued, 1);
	sim_close(&sim);
}
