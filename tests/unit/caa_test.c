/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/caa.h"

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/wire/dns_message.h"
#include "tests/test.h"

#define ACCOUNT "https://acme.example/acct/1"

struct property {
	uint8_t flags;
	const char *tag, *value; /* value NULL: malformed */
};

static const struct row {
	struct property set[6];
	bool is_wildcard;
	const char *want; /* NULL: it may issue */
} rows[] = {
	{ { { 0 } }, false, NULL },
	{ { { 0, "issue", "ca.example" } }, false, NULL },
	{ { { 0, "issue", "ca.example" } }, true, NULL },
	{ { { 0, "issue", "other.example" }, { 0, "issue", "second.example" } }, false, NULL },
	{ { { 0, "ISSUE", " \tCA.Example ; " } }, false, NULL },
	{ { { 0, "iodef", "mailto:a@example.com" } }, false, NULL },
	{ { { 128, "iodef", "mailto:a@example.com" }, { 128, "issuemail", ";" } }, false,
		NULL },
	{ { { 0, "tbs", "unknown" } }, false, NULL },
	{ { { 1, NULL, NULL } }, false, NULL },
	{ { { 1, "tbs", "only the highest bit is critical" } }, false, NULL },
	{ { { 128, "issue", "ca.example" }, { 128, "tbs", "x" } }, false,
		"the CAA records of example.com hold a critical property that no CA knows, "
		"\"tbs\"" },
	{ { { 128, NULL, NULL } }, false,
		"the CAA records of example.com hold a critical property that is malformed" },
	{ { { 0, "issue", ";" } }, false,
		"the CAA records of example.com forbid every CA to issue; add: example.com. "
		"CAA "
		"0 issue \"ca.example\"" },
	{ { { 0, "issue", "" } }, true,
		"*.example.com: the CAA records of example.com forbid every CA to issue "
		"wildcards" },
	{ { { 0, "issue", "ca1.example" }, { 0, "issue", "ca2.example" } }, false,
		"the CAA records of example.com allow only ca1.example and ca2.example to "
		"issue, not "
		"ca.example" },
	{ { { 0, "issue", "a1.example" }, { 0, "issue", "a2.example" },
		  { 0, "issue", "A1.example" }, { 0, "issue", "a3.example" },
		  { 0, "issue", ";" }, { 0, "issuewild", "x.example" } },
		false,
		"the CAA records of example.com allow only a1.example, a2.example and "
		"a3.example to "
		"issue, not ca.example" },
	{ { { 0, "issue", "a.example" }, { 0, "issue", "b.example" },
		  { 0, "issue", "c.example" }, { 0, "issue", "d.example" },
		  { 0, "issue", "e.example" }, { 0, "issue", "f.example" } },
		false,
		"the CAA records of example.com allow only a.example, b.example, c.example, "
		"d.example "
		"and 2 more to issue, not ca.example" },
	/* wildcards have a property of their own, which is nothing to others */
	{ { { 0, "issuewild", ";" } }, false, NULL },
	{ { { 0, "issue", ";" }, { 0, "issuewild", "ca.example" } }, true, NULL },
	{ { { 0, "issue", "ca.example" }, { 0, "issuewild", "other.example" } }, true,
		"allow only other.example to issue wildcards, not ca.example" },
	{ { { 0, "issue", "ca.example" }, { 0, "issuewild", ";" } }, true,
		"forbid every CA to issue wildcards; add: example.com. CAA 0 issuewild "
		"\"ca.example\"" },
	/* accounts */
	{ { { 0, "issue", "ca.example; accounturi=" ACCOUNT } }, false, NULL },
	{ { { 0, "issue", "ca.example;accounturi = " ACCOUNT } }, false, NULL },
	{ { { 0, "issue", "ca.example; accounturi=" ACCOUNT "2" } }, false,
		"the CAA records of example.com allow ca.example to issue only for the "
		"account " ACCOUNT "2, which is not ours; add: example.com. CAA 0 issue "
		"\"ca.example; accounturi=" ACCOUNT "\"" },
	{ { { 0, "issue", "ca.example; accounturi=" ACCOUNT "; accounturi=" ACCOUNT } }, false,
		"name several accounts" },
	{ { { 0, "issue", "ca.example; accounturi=x:y" },
		  { 0, "issue", "ca.example; accounturi=" ACCOUNT } },
		false, NULL },
	/* challenges */
	{ { { 0, "issue", "ca.example; validationmethods=http-01,dns-01" } }, false, NULL },
	{ { { 0, "issue", "ca.example; validationmethods=http-01,dns-011" } }, false,
		"allow ca.example to issue only by http-01,dns-011, not by dns-01" },
	{ { { 0, "issue", "ca.example; validationmethods=" } }, false,
		"allow ca.example to issue only by no challenge, not by dns-01; add: "
		"example.com. CAA 0 issue \"ca.example; validationmethods=dns-01\"" },
	{ { { 0, "issue", "ca.example; accounturi=" ACCOUNT "; validationmethods=http-01" } },
		true,
		"allow ca.example to issue wildcards only by http-01, not by dns-01; add: "
		"example.com. CAA 0 issue \"ca.example; accounturi=" ACCOUNT
		"; validationmethods=dns-01\"" },
	{ { { 0, "issue", "ca.example; ca-policy=x=y" } }, false, NULL },
	/* what is malformed names nobody */
	{ { { 0, "issue", "ca.example; foo bar" } }, false,
		"forbid every CA to issue (issue \"ca.example; foo bar\" is malformed and "
		"names "
		"nobody); add: example.com. CAA 0 issue \"ca.example\"" },
	{ { { 0, "issue", "other.example" }, { 0, "issuewild", NULL } }, true,
		"forbid every CA to issue wildcards (one issuewild is malformed and names "
		"nobody); add" },
	{ { { 0, "issue", "other.example" }, { 0, "issue", "ca.example;\x1b=x" } }, false,
		"allow only other.example to issue, not ca.example (one issue is malformed and "
		"names nobody); add" },
	{ { { 0, "issue", "ca.example x" } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca.example; x" } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca.example; =x" } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca.example; a=b;" } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca.example; a=b c" } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca.example; a.b=c" } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca.example; a=\xc3\xa4" } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca.example." } }, false, "forbid every CA" },
	{ { { 0, "issue", "ca..example" } }, false, "forbid every CA" },
	{ { { 0, "issue", "%%%%%" } }, false, "forbid every CA" },
	{ { { 0, "issue", "-" }, { 0, "issue", "ca.example" } }, false, NULL },
};

static const char *const identities[] = { "ca.example", "second.example" };

static int judge(const struct row *row, struct caa_wish *wish, struct err *err)
{
	struct dns_record records[9] = {
		/* not of the set */
		{ .section = DNS_ANSWER, .type = DNS_CNAME, .target = "example.com" },
		{ .section = DNS_AUTHORITY,
			.type = DNS_CAA,
			.caa = { 128, "tbs", "x", false } },
	};
	struct dns_message message = { .records = records, .n_records = 2 };

	for (size_t i = 0; i < 6; i++) {
		const struct property *p = &row->set[i];

		if (p->tag || p->flags)
			records[message.n_records++] =
				(struct dns_record){ .section = DNS_ANSWER,
					.type = DNS_CAA,
					.caa = { p->flags, p->tag, p->value, !p->value } };
	}
	return caa_judge(wish, &message, err);
}

static struct caa_wish wish_of(const struct row *row)
{
	return (struct caa_wish){ .name = row->is_wildcard ? "*.example.com" : "example.com",
		.is_wildcard = row->is_wildcard,
		.identities = identities,
		.n_identities = 2,
		.account_url = ACCOUNT,
		.challenge = "dns-01",
		.at = "example.com" };
}

TEST(sets_are_judged)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct caa_wish wish = wish_of(&rows[i]);
		struct err err = ERR_INIT;
		int got = judge(&rows[i], &wish, &err);

		if ((got == 0) != !rows[i].want)
			TEST_FAIL("row %zu: %d, %s", i, got, err.text);
		else if (got && (err.code != ERR_CAA || !strstr(err.text, rows[i].want)))
			TEST_FAIL("row %zu: \"%s\", not \"%s\"", i, err.text, rows[i].want);
	}
}

/* A CA that names no identities cannot be forbidden anything that we would know. */
TEST(without_identities_nothing_is_forbidden)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct caa_wish wish = wish_of(&rows[i]);
		struct err err = ERR_INIT;

		wish.n_identities = 0;
		CHECK_INT(judge(&rows[i], &wish, &err), 0);
	}
}

TEST(an_account_that_is_not_known_yet_is_not_judged)
{
	static const struct row row = { { { 0, "issue", "ca.example; accounturi=x:y" } }, false,
		NULL };
	static const struct row two = {
		{ { 0, "issue", "ca.example; accounturi=x:y; accounturi=x:y" } }, false, NULL
	};
	struct caa_wish wish = wish_of(&row);
	struct err err = ERR_INIT;

	wish.account_url = NULL;
	CHECK_INT(judge(&row, &wish, &err), 0);
	CHECK_INT(judge(&two, &wish, &err), -1);
}

/* Whatever comes: an answer, the same each time, and a record more that names us helps unless one is critical. */
TEST(random_sets)
{
	static const char *const values[] = { ";", "ca.example", "x.example", "ca.example; a",
		"", "ca.example; validationmethods=dns-01",
		("second.example; accounturi=" ACCOUNT), ";;;=", "= ; =", "ca.example;;", " ",
		"ca.example; accounturi=" };
	static const char *const tags[] = { "issue", "issuewild", "iodef", "tbs", "issue" };

	srand(5);
	for (int round = 0; round < 20000; round++) {
		struct row row = { .is_wildcard = rand() % 2 };
		struct caa_wish wish;
		struct err err = ERR_INIT;
		bool is_critical = false, is_allowed;

		for (int i = rand() % 5; i >= 0; i--) {
			row.set[i] = (struct property){ rand() % 8 ? 0 : 128, tags[rand() % 5],
				values[rand() % 12] };
			is_critical = is_critical ||
				      (row.set[i].flags && strcmp(row.set[i].tag, "tbs") == 0);
		}
		wish = wish_of(&row);
		is_allowed = judge(&row, &wish, &err) == 0;
		CHECK(!is_critical || !is_allowed);
		row.set[5] = (struct property){ 0, row.is_wildcard ? "issuewild" : "issue",
			"ca.example" };
		CHECK((judge(&row, &wish, &err) == 0) == !is_critical);
	}
}
