/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/caa.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/wire/dns_message.h"
#include "tests/fuzz/fuzz.h"

/*
 * Each line is one CAA record: a digit with the octet of flags (8: 128), the tag and the value
 * between blanks; a line without a tag is a malformed record. The first character of the first
 * line selects a wildcard.
 */

enum { RECORDS_MAX = 16 };

static void add(struct dns_message *message, char *line)
{
	struct dns_record *record = &message->records[message->n_records++];
	char *tag = strchr(line, ' '), *value = tag ? strchr(tag + 1, ' ') : NULL;

	*record = (struct dns_record){ .section = DNS_ANSWER,
		.owner = "example.com",
		.type = DNS_CAA,
		.rr_class = 1,
		.text = "0 issue \"x\"",
		.len = strlen(line) };
	record->caa.flags = *line == '8' ? 128 : 0;
	record->caa.is_malformed = !value || value == tag + 1;
	if (record->caa.is_malformed)
		return;
	*value = '\0';
	for (char *at = tag + 1; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	record->caa.tag = tag + 1;
	record->caa.value = value + 1;
}

static int judge(const struct caa_wish *wish, const struct dns_message *message)
{
	struct err err = ERR_INIT;
	int result = caa_judge(wish, message, &err);

	assert(result == 0 || (err.code == ERR_CAA && err.text[0]));
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const ours[] = { "ca.test" };
	struct caa_wish wish = { .name = "example.com",
		.identities = ours,
		.n_identities = 1,
		.account_url = "https://ca.test/account/1",
		.challenge = "dns-01",
		.at = "example.com" };
	struct dns_record records[RECORDS_MAX + 1], reversed[RECORDS_MAX];
	struct dns_message message = { .records = records }, back = { .records = reversed };
	char *text AUTO_FREE = mem_strndup((const char *)data, len), more[] = "0 issue ca.test",
		   wild[] = "0 issuewild ca.test";
	int result;

	wish.is_wildcard = *text == '*';
	wish.name = wish.is_wildcard ? "*.example.com" : "example.com";
	for (char *at = text; *at && message.n_records < RECORDS_MAX - 1;) {
		size_t n = strcspn(at, "\n");
		bool is_last = !at[n];

		at[n] = '\0';
		add(&message, at);
		at += n + !is_last;
	}
	for (size_t i = message.n_records; i-- > 0;)
		reversed[back.n_records++] = records[i];
	result = judge(&wish, &message);
	assert(judge(&wish, &back) == result);
	if (message.n_records == 0)
		assert(result == 0);
	/* A further record that permits the CA forbids nothing. */
	add(&message, more);
	add(&message, wild);
	if (result == 0)
		assert(judge(&wish, &message) == 0);
	wish.n_identities = 0;
	judge(&wish, &message);
	return 0;
}
