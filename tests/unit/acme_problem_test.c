/* SPDX-License-Identifier: MIT */
#include "daemon/acme/problem.h"

#include "lib/base/str.h"
#include "tests/test.h"

/* Every way in which a CA says no becomes one code, one class and one sentence. */

#define URN "urn:ietf:params:acme:error:"

static const struct row {
	int status;
	const char *body;
	enum problem_kind kind;
	enum err_code code;
	const char *says; /* part of the sentence */
} rows[] = {
	{ 400, "{\"type\":\"" URN "badNonce\",\"detail\":\"No.\"}", PROBLEM_BAD_NONCE,
		ERR_CA_FAILED, "No (status 400, badNonce)" },
	{ 429, "{\"type\":\"" URN "rateLimited\",\"detail\":\"Too many.\"}",
		PROBLEM_RATE_LIMITED, ERR_RATE_LIMITED, "Too many" },
	{ 403, "{\"type\":\"" URN "rateLimited\"}", PROBLEM_RATE_LIMITED, ERR_RATE_LIMITED,
		"no reason given (status 403, rateLimited)" },
	{ 429, "<html>slow down</html>", PROBLEM_NONE, ERR_RATE_LIMITED, "status 429" },
	{ 503, "<html>", PROBLEM_NONE, ERR_CA_FAILED, "status 503" },
	{ 503, "", PROBLEM_NONE, ERR_CA_FAILED, "status 503" },
	{ 500, "{\"type\":\"" URN "serverInternal\"}", PROBLEM_INTERNAL, ERR_CA_FAILED, "500" },
	{ 500, "{\"type\":\"" URN "malformed\"}", PROBLEM_MALFORMED, ERR_CA_FAILED, "500" },
	{ 400, "{\"type\":\"" URN "accountDoesNotExist\"}", PROBLEM_ACCOUNT_GONE,
		ERR_ACCOUNT_LOST, "accountDoesNotExist" },
	{ 403, "{\"type\":\"" URN "externalAccountRequired\"}", PROBLEM_BINDING_WANTED,
		ERR_ACCOUNT_REFUSED, "externalAccountRequired" },
	{ 403, "{\"type\":\"" URN "userActionRequired\"}", PROBLEM_USER_ACTION,
		ERR_ACCOUNT_REFUSED, "userActionRequired" },
	{ 403, "{\"type\":\"" URN "caa\",\"detail\":\"x\"}", PROBLEM_CAA, ERR_CAA, "x" },
	{ 400, "{\"type\":\"urn:acme:error:rejectedIdentifier\",\"detail\":\"x\"}",
		PROBLEM_NAME_REFUSED, ERR_NAME_REFUSED, "x" },
	{ 400, "{\"type\":\"" URN "invalidProfile\"}", PROBLEM_BAD_PROFILE, ERR_BAD_PROFILE,
		"invalidProfile" },
	{ 403, "{\"type\":\"" URN "orderNotReady\"}", PROBLEM_NOT_READY, ERR_CA_FAILED,
		"orderNotReady" },
	{ 409, "{\"type\":\"" URN "alreadyReplaced\"}", PROBLEM_REPLACED, ERR_CA_REFUSED,
		"alreadyReplaced" },
	{ 400, "{\"type\":\"" URN "ofTomorrow\",\"detail\":\"x\"}", PROBLEM_NONE,
		ERR_CA_REFUSED, "x (status 400, ofTomorrow)" },
	{ 418, "{\"type\":\"about:blank\",\"title\":\"Teapot\"}", PROBLEM_NONE, ERR_CA_REFUSED,
		"Teapot" },
	{ 404, "[]", PROBLEM_NONE, ERR_CA_REFUSED, "status 404" },
	{ 302, "", PROBLEM_NONE, ERR_BAD_ANSWER, "status 302" },
	{ 0, "{\"type\":\"" URN "connection\",\"detail\":\"refused\"}", PROBLEM_CONNECTION,
		ERR_NOT_VALIDATED, "refused (connection)" },
};

TEST(answers_become_codes_and_sentences)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct problem problem;
		struct err err = ERR_INIT;

		problem_read(rows[i].status, rows[i].body, strlen(rows[i].body), &problem);
		CHECK_INT(problem.kind, rows[i].kind);
		CHECK_INT(problem_err(&problem, (struct instant){ 77 }, &err), -1);
		if (err.code != rows[i].code)
			TEST_FAIL("row %zu: %s, not %s", i, err_code_text(err.code),
				err_code_text(rows[i].code));
		if (!strstr(err.text, rows[i].says))
			TEST_FAIL("row %zu says \"%s\"", i, err.text);
		CHECK_INT(err.not_before.s, 77);
	}
}

TEST(every_type_of_the_table_is_found_again)
{
	for (int kind = PROBLEM_NONE + 1; kind < PROBLEM_COUNT; kind++) {
		char body[200];
		struct problem problem;
		struct err err = ERR_INIT;

		snprintf(body, sizeof(body), "{\"type\":\"" URN "%s\"}",
			problem_text((enum problem_kind)kind));
		problem_read(403, body, strlen(body), &problem);
		CHECK_INT(problem.kind, kind);
		problem_err(&problem, INSTANT_NONE, &err);
		CHECK(err_code_class(err.code) != CLASS_LOCAL);
	}
}

TEST(subproblems_name_the_refused_and_say_why)
{
	static const char body[] =
		"{\"type\":\"" URN "compound\",\"subproblems\":["
		"{\"type\":\"" URN
		"caa\",\"detail\":\"forbidden.\",\"identifier\":{\"type\":\"dns\","
		"\"value\":\"a.example\"}},"
		"{\"type\":\"" URN
		"dns\",\"detail\":\"NXDOMAIN\",\"identifier\":{\"type\":\"dns\","
		"\"value\":\"b.example\"}},7]}";
	struct problem problem;
	struct err err = ERR_INIT;

	problem_read(403, body, strlen(body), &problem);
	CHECK_STR(problem.names, "a.example, b.example");
	problem_err(&problem, INSTANT_NONE, &err);
	CHECK_INT(err.code, ERR_CAA);
	CHECK_STR(err.text, "a.example, b.example: forbidden (status 403, compound)");
}

TEST(long_texts_are_cut_between_characters)
{
	char body[2000] = "{\"detail\":\"";
	struct problem problem;

	for (int i = 0; i < 400; i++)
		strcat(body, "\xc3\xa9");
	strcat(body, "\"}");
	problem_read(400, body, strlen(body), &problem);
	CHECK(strlen(problem.detail) > 290);
	CHECK(str_is_utf8(problem.detail, strlen(problem.detail)));
}
