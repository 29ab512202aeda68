/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/persist.h"

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/wire/dns_message.h"
#include "tests/test.h"

#define NOW INT64_C(1795256107)
#define URL "https://ca.example/acct/1"
#define GOOD "ca.example; accounturi=" URL

static const struct row {
	const char *records[3];
	bool is_wildcard;
	const char *want; /* NULL: it does */
	int64_t until;
} rows[] = {
	{ { GOOD }, false, NULL, 0 },
	{ { "ca.example;ACCOUNTURI=" URL }, false, NULL, 0 },
	{ { "  ca.example ;  accounturi = " URL " " }, false, NULL, 0 },
	{ { "second.example; accounturi=" URL }, false, NULL, 0 },
	{ { GOOD "; policy=wildcard" }, false, NULL, 0 },
	{ { GOOD "; policy=Wildcard" }, true, NULL, 0 },
	{ { GOOD "; persistUntil=1795256107" }, false, NULL, 1795256107 },
	{ { GOOD "; persistuntil=1800000000; x=; y=z=z" }, false, NULL, 1800000000 },
	/* of several, the one that lasts */
	{ { GOOD "; persistUntil=1800000000", GOOD "; persistUntil=1900000000", "v=spf1 -all" },
		false, NULL, 1900000000 },
	{ { GOOD, GOOD "; persistUntil=1900000000", "ca.example;" }, false, NULL, 0 },
	{ { GOOD "; persistUntil=1900000000", GOOD "; persistUntil=5", GOOD }, false, NULL, 0 },
	{ { "other.example; accounturi=" URL, GOOD }, false, NULL, 0 },
	/* and why not */
	{ { NULL }, false,
		"no record in DNS proves example.com to ca.example; put this one there: "
		"_validation-persist.example.com. 3600 IN "
		"TXT \"" GOOD "\"" },
	{ { NULL }, true,
		"no record in DNS proves example.com to ca.example; put this one there: "
		"_validation-persist.example.com. 3600 IN "
		"TXT \"" GOOD "; policy=wildcard\"" },
	{ { "other.example; accounturi=" URL, "" }, false,
		"no record in DNS proves example.com to ca.example" },
	/* some CAs compare the issuer octet by octet */
	{ { "CA.example; accounturi=" URL }, false,
		"the record _validation-persist.example.com writes CA.example, which not every "
		"CA takes for its name; put this one there: _validation-persist.example.com. "
		"3600 IN TXT \"" GOOD "\"" },
	{ { "ca.example.; accounturi=" URL, "other.example; accounturi=" URL }, false,
		"writes ca.example., which" },
	{ { "CA.example; accounturi=" URL, GOOD }, false, NULL, 0 },
	{ { "CA.example; accounturi=" URL, GOOD ";" }, false, "is malformed" },
	{ { GOOD "2" }, false,
		"the record _validation-persist.example.com names the account " URL
		"2, not ours, " URL },
	{ { "ca.example; accounturi=HTTPS://ca.example/acct/1" }, false, "names the account" },
	{ { GOOD }, true, "lacks policy=wildcard, so it is not for *.example.com" },
	{ { GOOD "; policy=all" }, true, "lacks policy=wildcard" },
	{ { GOOD "; persistUntil=1795256106" }, false,
		"ended at 2026-11-21T10:15:06Z (persistUntil)" },
	{ { GOOD "; persistUntil=0" }, false, "ended at 1970-01-01T00:00:01Z" },
	{ { "ca.example" }, false, "is malformed: it lacks accounturi" },
	{ { "ca.example; accounturi=" }, false, "is malformed: it lacks accounturi" },
	{ { GOOD ";" }, false,
		"is malformed: it has an empty parameter, or a semicolon at its end" },
	{ { "ca.example;; accounturi=" URL }, false,
		"is malformed: it has an empty parameter" },
	{ { "ca.example; =x; accounturi=" URL }, false,
		"is malformed: it has an empty parameter" },
	{ { GOOD "; policy" }, false, "is malformed: a parameter has no value" },
	{ { GOOD "; AccountURI=" URL }, false, "is malformed: a parameter stands in it twice" },
	{ { GOOD "; x=1; y=2; X=3" }, false, "is malformed: a parameter stands in it twice" },
	{ { GOOD "; x=\xc3\xa4" }, false,
		"is malformed: a parameter's value holds a blank, or" },
	{ { GOOD "; policy=wild card" }, false, "is malformed: a parameter's value holds" },
	{ { GOOD "; bad tag=x" }, false, "is malformed: the name of a parameter is not" },
	{ { GOOD "; -x=x" }, false, "is malformed: the name of a parameter is not" },
	{ { GOOD "; persistUntil=" }, false,
		"is malformed: persistUntil is no number of seconds" },
	{ { GOOD "; persistUntil=-1" }, false, "is malformed: persistUntil" },
	{ { GOOD "; persistUntil=1e9" }, false, "is malformed: persistUntil" },
	{ { GOOD "; persistUntil=99999999999999999999" }, false, "is malformed: persistUntil" },
	/* the nearest is told */
	{ { "other.example", GOOD "2", GOOD "; persistUntil=7" }, false, "ended at" },
	{ { "other.example", GOOD ";", GOOD "2" }, false, "is malformed" },
};

static const char *const issuers[] = { "ca.example", "second.example" };

static int judge(const struct row *row, const struct persist_wish *wish, struct instant *until,
	struct err *err)
{
	struct dns_record records[5] = {
		/* not of the answer */
		{ .section = DNS_ANSWER, .type = DNS_CNAME, .target = "example.com" },
		{ .section = DNS_ADDITIONAL,
			.type = DNS_TXT,
			.txt = GOOD "; policy=wildcard",
			.txt_len = strlen(GOOD "; policy=wildcard") },
	};
	struct dns_message message = { .records = records, .n_records = 2 };

	for (size_t i = 0; i < ARRAY_LEN(row->records) && row->records[i]; i++) {
		struct dns_record *record = &records[message.n_records++];

		record->section = DNS_ANSWER;
		record->type = DNS_TXT;
		record->txt = row->records[i];
		record->txt_len = strlen(record->txt);
	}
	return persist_judge(wish, &message, until, err);
}

static struct persist_wish wish_of(bool is_wildcard)
{
	return (struct persist_wish){ .name = "example.com",
		.is_wildcard = is_wildcard,
		.issuers = issuers,
		.n_issuers = 2,
		.account_url = URL,
		.now = { NOW } };
}

TEST(records_are_judged)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct persist_wish wish = wish_of(rows[i].is_wildcard);
		struct instant until = { 42 };
		struct err err = ERR_INIT;
		int got = judge(&rows[i], &wish, &until, &err);

		if ((got == 0) != !rows[i].want)
			TEST_FAIL("row %zu: %d, %s", i, got, err.text);
		else if (got &&
			 (err.code != ERR_NOT_VISIBLE || !strstr(err.text, rows[i].want)))
			TEST_FAIL("row %zu: \"%s\", not \"%s\"", i, err.text, rows[i].want);
		else
			CHECK_INT(until.s, got ? 42 : rows[i].until);
	}
}

/* A NUL, and other octets that a record may hold, end nothing. */
TEST(octets)
{
	static const char text[] = GOOD "\0; policy=wildcard";
	struct dns_record record = {
		.section = DNS_ANSWER, .type = DNS_TXT, .txt = text, .txt_len = sizeof(text) - 1
	};
	struct dns_message message = { .records = &record, .n_records = 1 };
	struct persist_wish wish = wish_of(false);
	struct instant until;
	struct err err = ERR_INIT;

	CHECK_INT(persist_judge(&wish, &message, &until, &err), -1);
	CHECK(strstr(err.text, "printable"));
	srand(3);
	for (int round = 0; round < 50000; round++) {
		static const char octets[] = ";;== \tax\"\xff";
		char value[60] = "ca.example";
		size_t len = 10 + (size_t)rand() % 40;

		for (size_t i = 10; i < len; i++)
			value[i] = octets[rand() % (int)sizeof(octets)];
		record.txt = value;
		record.txt_len = len;
		CHECK_INT(persist_judge(&wish, &message, &until, &err), -1);
	}
}

/* What is to be put there is what would do. */
TEST(texts)
{
	char url[400] = "https://ca.example/";
	struct persist_wish wish = wish_of(true);
	struct buf out AUTO_BUF = BUF_INIT, joined AUTO_BUF = BUF_INIT;
	struct dns_record record = { .section = DNS_ANSWER, .type = DNS_TXT };
	struct dns_message message = { .records = &record, .n_records = 1 };
	struct instant until;
	struct err err = ERR_INIT;
	const char *p;

	persist_text(&wish, &out);
	CHECK_STR(buf_text(&out),
		"_validation-persist.example.com. 3600 IN TXT \"" GOOD "; policy=wildcard\"");
	/* One that needs two strings, of 255 octets at most, with what must be escaped in them. */
	memset(url + strlen(url), '"', 300);
	wish.account_url = url;
	buf_clear(&out);
	persist_text(&wish, &out);
	p = strstr(buf_text(&out), "TXT \"") + 4;
	for (size_t len = 0; *p; p++) {
		if (*p == '"' && p[1] == ' ') {
			CHECK_INT(len, 255);
			p += 2;
			len = 0;
			continue;
		}
		if (*p == '"' && (len == 0 || !p[1]))
			continue;
		p += *p == '\\';
		buf_add_char(&joined, *p);
		len++;
	}
	record.txt = joined.data;
	record.txt_len = joined.len;
	CHECK_INT(persist_judge(&wish, &message, &until, &err), 0);
}

TEST(endings)
{
	static const struct {
		int64_t until, life;
		bool want;
	} table[] = {
		{ 0, 90 * 86400, false },
		{ NOW + 30 * 86400, 90 * 86400, true },
		{ NOW + 30 * 86400 + 1, 90 * 86400, false },
		{ NOW + 30 * 86400 + 1, 900 * 86400, false },
		{ NOW + 2 * 86400, 6 * 86400, true },
		{ NOW + 2 * 86400 + 1, 6 * 86400, false },
		{ NOW - 5, 6 * 86400, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		CHECK(persist_is_ending((struct instant){ table[i].until },
			      (struct instant){ NOW },
			      SECONDS(table[i].life)) == table[i].want);
}
