/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/classify.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

static void take_soa(const struct dns_record *soa, struct witness *witness)
{
	witness->has_serial = true;
	witness->serial = soa->soa.serial;
}

/* What is told about nothing carries the SOA record, and how long caches keep it (RFC 2308, 5). */
static void take_negative(const struct dns_message *answer, struct witness *witness)
{
	const struct dns_record *soa =
		dns_message_find(answer, DNS_AUTHORITY, DNS_SOA, NULL, NULL);

	witness->negative_ttl = 0;
	if (!soa)
		return;
	witness->negative_ttl = soa->ttl < soa->soa.minimum ? soa->ttl : soa->soa.minimum;
	if (witness->role != ROLE_EXTRA)
		take_soa(soa, witness);
}

static bool is_value(const struct dns_record *record, const char *value)
{
	if (record->type == DNS_CNAME)
		return !value || str_is(record->target, value);
	return !value || (record->txt && record->txt_len == strlen(value) &&
				 memcmp(record->txt, value, record->txt_len) == 0);
}

static void say(struct witness *witness, const char *text)
{
	size_t len = strlen(witness->said);

	snprintf(witness->said + len, sizeof(witness->said) - len, "%s%s", len ? ", " : "",
		text);
}

/* FNV-1a of each record, added up. */
static uint64_t content_of(const struct dns_record *record)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < record->len; i++)
		hash = (hash ^ record->data[i]) * UINT64_C(1099511628211);
	return hash;
}

static enum sight records(const struct dns_message *answer, const char *owner, uint16_t type,
	const char *value, struct witness *witness)
{
	const struct dns_record *record = NULL;
	bool has_any = false, has_value = false;

	while ((record = dns_message_find(answer, DNS_ANSWER, type, owner, record))) {
		has_any = true;
		witness->ttl = record->ttl;
		has_value = has_value || is_value(record, value);
		say(witness, record->text);
		witness->content += content_of(record);
	}
	if (has_any)
		return has_value ? SIGHT_MATCH : SIGHT_OTHER;
	record = dns_message_find(answer, DNS_ANSWER, DNS_CNAME, owner, NULL);
	if (record) {
		snprintf(witness->said, sizeof(witness->said), "alias of %s", record->target);
		witness->content = content_of(record);
		return SIGHT_OTHER;
	}
	take_negative(answer, witness);
	return SIGHT_NODATA;
}

static bool is_referral(const struct dns_message *answer)
{
	return !answer->is_authoritative && answer->rcode == DNS_NOERROR &&
	       dns_message_find(answer, DNS_AUTHORITY, DNS_NS, NULL, NULL) &&
	       !dns_message_find(answer, DNS_AUTHORITY, DNS_SOA, NULL, NULL) &&
	       !dns_message_find(answer, DNS_ANSWER, 0, NULL, NULL);
}

static enum sight answered(
	const struct dns_probe_op *probe, const char *value, struct witness *witness)
{
	const struct dns_message *answer = &probe->answer;

	switch (answer->rcode) {
	case DNS_NOERROR:
	case DNS_NXDOMAIN:
		break;
	case DNS_REFUSED:
	case DNS_NOTAUTH:
		return SIGHT_REFUSED;
	case DNS_FORMERR:
	case DNS_NOTIMP:
		return SIGHT_FORMERR;
	default:
		return SIGHT_SERVFAIL;
	}
	if (witness->role != ROLE_EXTRA && !answer->is_authoritative)
		return SIGHT_LAME;
	/* A resolver does not send us on: this one serves other zones, and looks nothing up. */
	if (witness->role == ROLE_EXTRA && is_referral(answer))
		return SIGHT_LAME;
	if (answer->rcode == DNS_NXDOMAIN) {
		take_negative(answer, witness);
		return SIGHT_NXDOMAIN;
	}
	return records(answer, probe->name, probe->type, value, witness);
}

enum sight sighting(
	const struct dns_probe_op *probe, const char *value, struct witness *witness)
{
	witness->said[0] = '\0';
	witness->content = 0;
	witness->rtt_ms = probe->outcome == DNS_ANSWERED ? probe->rtt_ms : -1;
	switch (probe->outcome) {
	case DNS_ANSWERED:
		return answered(probe, value, witness);
	case DNS_UNREACHABLE:
		return SIGHT_UNREACHABLE;
	case DNS_GARBAGE:
		return SIGHT_GARBAGE;
	case DNS_TRUNCATED:
		return SIGHT_TRUNCATED;
	case DNS_ALTERED:
		return SIGHT_ALTERED;
	case DNS_NO_ROUTE:
		return SIGHT_NO_ROUTE;
	case DNS_TIMEOUT:
	default:
		return SIGHT_TIMEOUT;
	}
}

void sighting_serial(const struct dns_probe_op *probe, struct witness *witness)
{
	const struct dns_record *soa =
		probe->outcome == DNS_ANSWERED && probe->answer.is_authoritative
			? dns_message_find(&probe->answer, DNS_ANSWER, DNS_SOA, NULL, NULL)
			: NULL;

	if (soa)
		take_soa(soa, witness);
}
