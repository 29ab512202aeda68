/* SPDX-License-Identifier: MIT */
#include "daemon/dns/rules/persist.h"

#include <assert.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/wire/dns_message.h"
#include "tests/fuzz/fuzz.h"

/* Each line is the text of one TXT record; the first character selects a wildcard. */

enum { RECORDS_MAX = 16 };

#define OWNER "_validation-persist.example.com"

static void add(struct dns_message *message, const char *text, size_t len)
{
	message->records[message->n_records++] = (struct dns_record){ .section = DNS_ANSWER,
		.owner = OWNER,
		.type = DNS_TXT,
		.rr_class = 1,
		.text = "",
		.txt = text,
		.txt_len = len };
}

static int judge(const struct persist_wish *wish, const struct dns_message *message,
	struct instant *until)
{
	struct err err = ERR_INIT;
	int result = persist_judge(wish, message, until, &err);

	assert(result == 0 || (err.code == ERR_NOT_VISIBLE && err.text[0]));
	return result;
}

/*
 * The recommended record suffices beside any others, unless one claims the same issuer in a
 * malformed form.
 */
static void check_advice(const struct persist_wish *wish)
{
	struct dns_record record;
	struct dns_message message = { .records = &record };
	struct buf text AUTO_BUF = BUF_INIT;
	struct instant until;
	char *value;

	persist_text(wish, &text);
	value = strchr(buf_text(&text), '"');
	assert(value);
	add(&message, value + 1, strlen(value) - 2);
	assert(judge(wish, &message, &until) == 0 && !instant_is_set(until));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const issuers[] = { "ca.example", "second.example" };
	struct persist_wish wish = { .name = "example.com",
		.is_wildcard = len > 0 && data[0] == '*',
		.issuers = issuers,
		.n_issuers = ARRAY_LEN(issuers),
		.account_url = "https://ca.example/acct/1",
		.now = { INT64_C(1795256107) } };
	struct dns_record records[RECORDS_MAX], reversed[RECORDS_MAX];
	struct dns_message message = { .records = records }, back = { .records = reversed };
	struct instant until = INSTANT_NONE, again = INSTANT_NONE;
	char *text AUTO_FREE = mem_strndup((const char *)data, len);
	int result;

	for (char *at = text; *at && message.n_records < RECORDS_MAX;) {
		size_t n = strcspn(at, "\n");
		bool is_last = !at[n];

		at[n] = '\0';
		add(&message, at, n);
		at += n + !is_last;
	}
	for (size_t i = message.n_records; i-- > 0;)
		reversed[back.n_records++] = records[i];
	result = judge(&wish, &message, &until);
	assert(judge(&wish, &back, &again) == result);
	if (result == 0)
		assert(until.s == again.s &&
			(!instant_is_set(until) || !instant_before(until, wish.now)));
	if (result < 0)
		assert(message.n_records == 0 || !instant_is_set(until));
	check_advice(&wish);
	return 0;
}
