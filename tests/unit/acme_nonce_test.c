/* SPDX-License-Identifier: MIT */
#include "daemon/acme/health.h"
#include "daemon/acme/nonce.h"

#include "tests/test.h"

/* What is remembered of a CA between requests: its nonces, and how it fared. */

#define MINUTE_MS (INT64_C(60) * 1000)

static struct tick at(int64_t ms)
{
	return (struct tick){ ms };
}

static void check_taken(struct nonces *nonces, int64_t ms, const char *want)
{
	char *nonce = nonces_take(nonces, at(ms));

	if (want)
		CHECK_STR(nonce, want);
	else
		CHECK(!nonce);
	free(nonce);
}

TEST(the_newest_nonce_goes_first_and_none_goes_twice)
{
	struct nonces nonces = { .n = 0 };

	nonces_add(&nonces, "one", at(1));
	nonces_add(&nonces, "two", at(2));
	nonces_add(&nonces, "two", at(2));
	check_taken(&nonces, 3, "two");
	nonces_add(&nonces, "two", at(4));
	check_taken(&nonces, 5, "one");
	nonces_add(&nonces, "one", at(6));
	check_taken(&nonces, 7, NULL);
	nonces_done(&nonces);
}

TEST(what_is_wrong_with_a_nonce_is_told)
{
	char text[NONCE_LEN + 2];
	struct err err;

	memset(text, 'x', sizeof(text));
	text[NONCE_LEN + 1] = '\0';
	nonce_missing(NULL, &err);
	CHECK_STR(err.text, "the answer brings no nonce");
	nonce_missing("", &err);
	CHECK_STR(err.text, "the answer brings no nonce");
	nonce_missing("a+b=", &err);
	CHECK_STR(err.text, "the answer brings the nonce \"a+b=\", which is not base64url");
	nonce_missing(text, &err);
	CHECK_STR(
		err.text, "the answer brings a nonce of 257 characters, and 256 are the most");
	nonce_missing("abc", &err);
	CHECK_STR(err.text, "the answer brings the nonce \"abc\", which was used before");
	CHECK_INT(err.code, ERR_BAD_ANSWER);
}

TEST(what_is_no_nonce_is_passed_over)
{
	struct nonces nonces = { .n = 0 };
	char text[NONCE_LEN + 2];

	memset(text, 'x', sizeof(text));
	text[NONCE_LEN + 1] = '\0';
	nonces_add(&nonces, text, at(1));
	nonces_add(&nonces, "", at(1));
	nonces_add(&nonces, "a b", at(1));
	nonces_add(&nonces, "a\"b", at(1));
	check_taken(&nonces, 1, NULL);
	text[NONCE_LEN] = '\0';
	nonces_add(&nonces, text, at(1));
	check_taken(&nonces, 1, text);
	nonces_done(&nonces);
}

TEST(idle_nonces_are_dropped_and_the_pool_is_bounded)
{
	struct nonces nonces = { .n = 0 };

	nonces_add(&nonces, "old", at(1));
	check_taken(&nonces, 10 * MINUTE_MS + 1, NULL);
	for (int i = 0; i < 3 * NONCES_MAX; i++) {
		char text[16];

		snprintf(text, sizeof(text), "n%d", i);
		nonces_add(&nonces, text, at(10 * MINUTE_MS + 2));
	}
	CHECK_INT(nonces.n, NONCES_MAX);
	check_taken(&nonces, 11 * MINUTE_MS, "n383");
	nonces_done(&nonces);
}

static void note(struct ca_health *health, enum err_code code, int64_t ms)
{
	struct err err = ERR_INIT;

	if (code != ERR_NONE)
		err_set(&err, code, "it failed");
	health_note(health, &err, at(ms), (struct instant){ 1000 });
}

static bool allows(struct ca_health *health, int64_t ms)
{
	struct err err = ERR_INIT;
	bool allowed = health_allows(health, "ca", at(ms), (struct instant){ 1000 }, &err);

	CHECK_INT(err.code, allowed ? ERR_NONE : ERR_CA_DOWN);
	CHECK(allowed || err.not_before.s > 1000);
	return allowed;
}

TEST(a_ca_that_fails_is_left_alone_and_probed_once)
{
	struct ca_health health = { .failures = 0 };

	note(&health, ERR_CONNECT, 1);
	note(&health, ERR_CA_FAILED, 2);
	CHECK(allows(&health, 3));
	note(&health, ERR_TIMEOUT, 4);
	CHECK(!allows(&health, 5));
	CHECK(allows(&health, MINUTE_MS + 5));
	CHECK(!allows(&health, MINUTE_MS + 6));
	note(&health, ERR_CONNECT, MINUTE_MS + 7);
	CHECK(!allows(&health, 2 * MINUTE_MS));
	CHECK(allows(&health, 4 * MINUTE_MS));
	note(&health, ERR_NONE, 4 * MINUTE_MS + 1);
	CHECK(allows(&health, 4 * MINUTE_MS + 2));
	CHECK(allows(&health, 4 * MINUTE_MS + 3));
}

TEST(what_follows_the_name_says_nothing_against_the_ca)
{
	static const enum err_code codes[] = { ERR_NOT_VALIDATED, ERR_CAA, ERR_NAME_REFUSED,
		ERR_CANCELLED, ERR_IO, ERR_KEEPER, ERR_BAD_PROFILE, ERR_ACCOUNT_REFUSED };
	struct ca_health health = { .failures = 0 };

	for (int i = 0; i < 50; i++)
		note(&health, codes[i % 8], i);
	CHECK(allows(&health, 100));
}
