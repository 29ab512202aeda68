/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/classify.h"

#include "daemon/dns/resolve/trace.h"
#include "lib/base/attr.h"
#include "tests/test.h"

/* What one answer means for one value. */

#define NAME "_acme-challenge.example.com"

struct row {
	enum dns_outcome outcome;
	uint16_t rcode;
	bool is_authoritative;
	enum server_role role;
	const char *texts[3];
	const char *alias;
	enum observation want;
	const char *said;
};

static const struct row rows[] = {
	{ DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE, { "value" }, NULL,
		OBSERVED_MATCH, "\"value\"" },
	{ DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE, { "old", "value" }, NULL,
		OBSERVED_MATCH, "\"old\", \"value\"" },
	{ DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE, { "old", "valu", "value2" },
		NULL, OBSERVED_OTHER, "\"old\", \"valu\", \"value2\"" },
	{ DNS_ANSWERED, DNS_NOERROR, true, ROLE_PRIMARY, { "Value" }, NULL, OBSERVED_OTHER,
		"\"Value\"" },
	{ DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE, { NULL }, "a.example.net",
		OBSERVED_OTHER, "alias of a.example.net" },
	{ DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_NODATA,
		"" },
	{ DNS_ANSWERED, DNS_NXDOMAIN, true, ROLE_AUTHORITATIVE, { NULL }, NULL,
		OBSERVED_NXDOMAIN, "" },
	/* Without authority nothing counts, even if it is right; of an extra nobody wants authority. */
	{ DNS_ANSWERED, DNS_NOERROR, false, ROLE_AUTHORITATIVE, { "value" }, NULL,
		OBSERVED_LAME, "" },
	{ DNS_ANSWERED, DNS_NOERROR, false, ROLE_PRIMARY, { NULL }, NULL, OBSERVED_LAME, "" },
	{ DNS_ANSWERED, DNS_NXDOMAIN, false, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_LAME,
		"" },
	{ DNS_ANSWERED, DNS_NOERROR, false, ROLE_EXTRA, { "value" }, NULL, OBSERVED_MATCH,
		"\"value\"" },
	{ DNS_ANSWERED, DNS_NXDOMAIN, false, ROLE_EXTRA, { NULL }, NULL, OBSERVED_NXDOMAIN,
		"" },
	{ DNS_ANSWERED, DNS_REFUSED, true, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_REFUSED,
		"" },
	{ DNS_ANSWERED, DNS_NOTAUTH, false, ROLE_AUTHORITATIVE, { NULL }, NULL,
		OBSERVED_REFUSED, "" },
	{ DNS_ANSWERED, DNS_FORMERR, false, ROLE_AUTHORITATIVE, { NULL }, NULL,
		OBSERVED_FORMERR, "" },
	{ DNS_ANSWERED, DNS_NOTIMP, false, ROLE_EXTRA, { NULL }, NULL, OBSERVED_FORMERR, "" },
	{ DNS_ANSWERED, DNS_SERVFAIL, true, ROLE_AUTHORITATIVE, { NULL }, NULL,
		OBSERVED_SERVFAIL, "" },
	{ DNS_ANSWERED, 77, true, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_SERVFAIL, "" },
	{ DNS_TIMEOUT, 0, false, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_TIMEOUT, "" },
	{ DNS_UNREACHABLE, 0, false, ROLE_EXTRA, { NULL }, NULL, OBSERVED_UNREACHABLE, "" },
	{ DNS_GARBAGE, 0, false, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_GARBAGE, "" },
	{ DNS_TRUNCATED, 0, false, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_TRUNCATED, "" },
	{ DNS_ALTERED, 0, false, ROLE_AUTHORITATIVE, { NULL }, NULL, OBSERVED_ALTERED, "" },
	{ DNS_NO_ROUTE, 0, false, ROLE_EXTRA, { NULL }, NULL, OBSERVED_NO_ROUTE, "" },
};

struct answer {
	struct dns_record records[4];
	char texts[3][300];
	struct dns_probe_op probe;
};

static char name[] = NAME;

static void make(const struct row *row, struct answer *out)
{
	struct dns_message *message = &out->probe.answer;

	memset(out, 0, sizeof(*out));
	out->probe.name = name;
	out->probe.type = DNS_TXT;
	out->probe.outcome = row->outcome;
	message->rcode = row->rcode;
	message->is_authoritative = row->is_authoritative;
	message->records = out->records;
	for (size_t i = 0; i < 3 && row->texts[i]; i++) {
		struct dns_record *record = &out->records[message->n_records++];

		snprintf(out->texts[i], sizeof(out->texts[i]), "\"%s\"", row->texts[i]);
		*record = (struct dns_record){ .section = DNS_ANSWER,
			.owner = NAME,
			.type = DNS_TXT,
			.rr_class = 1,
			.ttl = 120,
			.text = out->texts[i],
			.txt = row->texts[i],
			.txt_len = strlen(row->texts[i]) };
	}
	if (row->alias)
		out->records[message->n_records++] = (struct dns_record){ .section = DNS_ANSWER,
			.owner = NAME,
			.type = DNS_CNAME,
			.rr_class = 1,
			.target = row->alias };
	if (message->n_records == 0)
		out->records[message->n_records++] =
			(struct dns_record){ .section = DNS_AUTHORITY,
				.owner = "example.com",
				.type = DNS_SOA,
				.rr_class = 1,
				.ttl = 900,
				.soa = { .serial = 7, .minimum = 300 } };
}

TEST(answers_become_observations)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct server_state state = { .role = row->role, .said = "from before" };
		struct answer answer;
		int before = test_failures;

		make(row, &answer);
		CHECK_INT(classify(&answer.probe, "value", &state), row->want);
		CHECK_STR(state.said, row->said);
		if (row->want == OBSERVED_MATCH)
			CHECK_INT(state.ttl, 120);
		/* A cache tells how long it remembers, but its serial is nobody's. */
		if (row->want == OBSERVED_NXDOMAIN || row->want == OBSERVED_NODATA) {
			CHECK_INT(state.negative_ttl, 300);
			CHECK_INT(state.has_serial, row->role != ROLE_EXTRA);
			CHECK_INT(state.serial, row->role != ROLE_EXTRA ? 7 : 0);
		}
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

/* Who only sends us on serves other zones, and says nothing about this one. */
TEST(an_extra_that_does_not_look_up_is_lame)
{
	static const struct row row = { DNS_ANSWERED, DNS_NOERROR, false, ROLE_EXTRA, { NULL },
		NULL, OBSERVED_LAME, "" };
	struct server_state state = { .role = ROLE_EXTRA };
	struct answer answer;

	make(&row, &answer);
	CHECK_INT(classify(&answer.probe, "value", &state), OBSERVED_NODATA);
	answer.records[0].type = DNS_NS;
	CHECK_INT(classify(&answer.probe, "value", &state), OBSERVED_LAME);
	answer.probe.answer.is_authoritative = true;
	CHECK_INT(classify(&answer.probe, "value", &state), OBSERVED_NODATA);
}

TEST(any_value_may_be_meant)
{
	static const struct row row = { DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE,
		{ "whatever" }, NULL, OBSERVED_MATCH, "" };
	struct server_state state = { .role = ROLE_AUTHORITATIVE };
	struct answer answer;

	make(&row, &answer);
	CHECK_INT(classify(&answer.probe, NULL, &state), OBSERVED_MATCH);
	CHECK_INT(classify(&answer.probe, "what", &state), OBSERVED_OTHER);
}

/* A NUL ends no value. */
TEST(octets_count_as_they_are)
{
	static const struct row row = { DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE,
		{ "value" }, NULL, OBSERVED_MATCH, "" };
	struct server_state state = { .role = ROLE_AUTHORITATIVE };
	struct answer answer;

	make(&row, &answer);
	answer.records[0].txt = "value\0more";
	answer.records[0].txt_len = 10;
	CHECK_INT(classify(&answer.probe, "value", &state), OBSERVED_OTHER);
}

TEST(words_have_a_bound)
{
	static const struct row row = { DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE,
		{ "x", "y" }, NULL, OBSERVED_OTHER, "" };
	struct server_state state = { .role = ROLE_AUTHORITATIVE };
	struct answer answer;

	make(&row, &answer);
	memset(answer.texts[0], 'x', sizeof(answer.texts[0]) - 1);
	CHECK_INT(classify(&answer.probe, "value", &state), OBSERVED_OTHER);
	CHECK_INT(strlen(state.said), sizeof(state.said) - 1);
}

/* A TTL below the minimum is how long nothing is remembered, and without a SOA record it is not. */
TEST(nothing_is_remembered_as_long_as_both_say)
{
	static const struct row row = { DNS_ANSWERED, DNS_NXDOMAIN, false, ROLE_EXTRA, { NULL },
		NULL, OBSERVED_NXDOMAIN, "" };
	struct server_state state = { .role = ROLE_EXTRA };
	struct answer answer;

	make(&row, &answer);
	answer.records[0].ttl = 42;
	classify(&answer.probe, "value", &state);
	CHECK_INT(state.negative_ttl, 42);
	answer.probe.answer.n_records = 0;
	classify(&answer.probe, "value", &state);
	CHECK_INT(state.negative_ttl, 0);
}

TEST(serials_come_from_those_with_authority)
{
	static const struct row row = { DNS_ANSWERED, DNS_NOERROR, true, ROLE_AUTHORITATIVE,
		{ NULL }, NULL, OBSERVED_NODATA, "" };
	struct server_state state = { .role = ROLE_AUTHORITATIVE };
	struct answer answer;

	make(&row, &answer);
	classify_serial(&answer.probe, &state);
	CHECK(!state.has_serial); /* it stands in the authority section */
	answer.records[0].section = DNS_ANSWER;
	answer.probe.answer.is_authoritative = false;
	classify_serial(&answer.probe, &state);
	CHECK(!state.has_serial);
	answer.probe.answer.is_authoritative = true;
	answer.probe.outcome = DNS_TIMEOUT;
	classify_serial(&answer.probe, &state);
	CHECK(!state.has_serial);
	answer.probe.outcome = DNS_ANSWERED;
	classify_serial(&answer.probe, &state);
	CHECK(state.has_serial);
	CHECK_INT(state.serial, 7);
}

/* What a thousand zones hold several times each, waiting for their turn. */
TEST(what_thousands_hold_is_small)
{
	CHECK(sizeof(struct dns_probe_op) <= 512);
	CHECK(sizeof(struct lookup) <= 1800);
	CHECK(sizeof(struct trace) <= 8192);
}
