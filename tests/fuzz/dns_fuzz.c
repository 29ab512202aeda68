/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/err.h"
#include "lib/wire/dns_message.h"

static void check_name(const char *name)
{
	uint8_t wire[DNS_NAME_WIRE_MAX];
	char text[DNS_NAME_LEN];

	assert(strlen(name) < DNS_NAME_LEN && dns_name_pack(name, wire));
	dns_name_unpack(wire, false, text);
	assert(strcmp(text, name) == 0 && dns_name_is_below(name, ""));
}

static void check_record(const struct dns_record *r)
{
	check_name(r->owner);
	assert(r->ttl <= INT32_MAX && r->data && r->data[r->len] == 0);
	for (const char *p = r->text; *p; p++)
		assert(isprint((unsigned char)*p));
	if (r->target)
		check_name(r->target);
	if (r->txt)
		assert(r->type == DNS_TXT && r->txt[r->txt_len] == 0 && r->txt_len < r->len);
	if (r->type != DNS_CAA || r->rr_class != 1)
		return;
	assert(r->caa.is_malformed == !r->caa.tag && r->caa.is_malformed == !r->caa.value);
	if (r->caa.tag)
		assert(r->caa.tag[0] &&
			strlen(r->caa.tag) + strlen(r->caa.value) + 2 == r->len);
}

/* Every record of class IN is found exactly once by its section, type and owner. */
static void check_find(const struct dns_message *m, size_t i)
{
	const struct dns_record *r = &m->records[i], *found = NULL;

	do
		found = dns_message_find(m, r->section, r->type, r->owner, found);
	while (found && found != r);
	assert((found == r) == (r->rr_class == 1));
}

/* A question that was read is written as the same octets. */
static void check_question(const struct dns_message *m)
{
	struct dns_question question = {
		.name = m->question, .type = m->question_type, .case_seed = m->id
	};
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message again;
	struct err err = ERR_INIT;
	char text[16];

	check_name(m->question);
	assert(strcasecmp(m->question, m->question_as_sent) == 0);
	dns_type_text(m->question_type, text);
	if (dns_question_write(&question, &wire, &err) < 0 ||
		dns_message_read(wire.data, wire.len, &again, &err) < 0)
		assert(!"what was asked cannot be asked");
	assert(again.has_edns && strcmp(again.question, m->question) == 0);
	assert(again.question_type == m->question_type);
	dns_message_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_message message;
	struct err err = ERR_INIT;
	char text[16];

	if (dns_message_read(data, len, &message, &err) < 0) {
		assert(err.code == ERR_BAD_VALUE && err.text[0] && !message.memory);
		return 0;
	}
	assert(message.n_records <= DNS_RECORDS_MAX);
	dns_rcode_text(message.rcode, text);
	if (message.question)
		check_question(&message);
	for (size_t i = 0; i < message.n_records; i++) {
		check_record(&message.records[i]);
		check_find(&message, i);
	}
	dns_message_done(&message);
	return 0;
}
