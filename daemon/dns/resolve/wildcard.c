/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/wildcard.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define BELOW "x.*."

/*
 * The record of the answer whose owner is the name itself: an alias, or one of the type; or
 * NULL.
 */
static const struct dns_record *at_name(const struct dns_message *answer, uint16_t type,
	const char *name, const struct dns_record *after)
{
	const struct dns_record *alias =
		dns_message_find(answer, DNS_ANSWER, DNS_CNAME, name, after);

	return alias ? alias : dns_message_find(answer, DNS_ANSWER, type, name, after);
}

static bool has(
	const struct dns_message *answer, const char *name, const struct dns_record *wanted)
{
	const struct dns_record *record = NULL;

	while ((record = dns_message_find(answer, DNS_ANSWER, wanted->type, name, record)))
		if (record->len == wanted->len &&
			memcmp(record->data, wanted->data, record->len) == 0)
			return true;
	return false;
}

void wildcard_ask(struct wildcard *wildcard, struct task *parent, const struct lookup *answered)
{
	uint8_t wire[DNS_NAME_WIRE_MAX];
	const struct lookup *a = answered;

	assert(!a->is_of_resolver && a->next < a->n);
	wildcard_done(wildcard);
	wildcard->name = mem_printf(BELOW "%s", a->name);
	if (!dns_name_pack(wildcard->name, wire)) {
		free(mem_take(&wildcard->name));
		return;
	}
	lookup_start_at(&wildcard->lookup, parent, a->zones, a->apex, wildcard->name, a->type,
		a->at + a->next, a->n - a->next);
}

int wildcard_judge(const struct wildcard *wildcard, const struct lookup *answered,
	bool *ret_is_made, struct err *err)
{
	const struct lookup *below = &wildcard->lookup;
	const struct dns_message *answer = lookup_answer(answered),
				 *made = wildcard->name ? lookup_answer(below) : NULL;
	const struct dns_record *record = NULL;
	size_t n = 0, n_same = 0;

	if (wildcard->name && !made && below->n_silent == below->n) {
		*err = below->err;
		return -1;
	}
	while (made && (record = at_name(answer, answered->type, answered->name, record))) {
		n++;
		n_same += has(made, wildcard->name, record);
	}
	*ret_is_made = n > 0 && n_same == n;
	return 0;
}

void wildcard_done(struct wildcard *wildcard)
{
	lookup_done(&wildcard->lookup);
	free(mem_take(&wildcard->name));
}
