/* SPDX-License-Identifier: MIT */
#include "daemon/dns/watch/classify.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

static void take_soa(const struct dns_record *soa, struct server_state *state)
{
	state->has_serial = true;
	state->serial = soa->soa.serial;
}

/* A negative answer carries the SOA record, and with it how long caches keep it (RFC 2308, 5). */
static void take_negative(const struct dns_message *answer, struct server_state *state)
{
	const struct dns_record *soa =
		dns_message_find(answer, DNS_AUTHORITY, DNS_SOA, NULL, NULL);

	state->negative_ttl = 0;
	if (!soa)
		return;
	state->negative_ttl = soa->ttl < soa->soa.minimum ? soa->ttl : soa->soa.minimum;
	if (state->role != ROLE_EXTRA)
		take_soa(soa, state);
}

static bool is_value(const struct dns_record *record, const char *value)
{
	if (record->type == DNS_CNAME)
		return !value || str_is(record->target, value);
	return !value || (record->txt && record->txt_len == strlen(value) &&
				 memcmp(record->txt, value, record->txt_len) == 0);
}

static void say(struct server_state *state, const char *text)
{
	size_t len = strlen(state->said);

	snprintf(state->said + len, sizeof(state->said) - len, "%s%s", len ? ", " : "", text);
}

/* FNV-1a of each record, added up. */
static uint64_t content_of(const struct dns_record *record)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < record->len; i++)
		hash = (hash ^ record->data[i]) * UINT64_C(1099511628211);
	return hash;
}

static enum observation records(const struct dns_message *answer, const char *owner,
	uint16_t type, const char *value, struct server_state *state)
{
	const struct dns_record *record = NULL;
	bool has_any = false, has_value = false;

	while ((record = dns_message_find(answer, DNS_ANSWER, type, owner, record))) {
		has_any = true;
		state->ttl = record->ttl;
		has_value = has_value || is_value(record, value);
		say(state, record->text);
		state->content += content_of(record);
	}
	if (has_any)
		return has_value ? OBSERVED_MATCH : OBSERVED_OTHER;
	record = dns_message_find(answer, DNS_ANSWER, DNS_CNAME, owner, NULL);
	if (record) {
		snprintf(state->said, sizeof(state->said), "alias of %s", record->target);
		state->content = content_of(record);
		return OBSERVED_OTHER;
	}
	take_negative(answer, state);
	return OBSERVED_NODATA;
}

static bool is_referral(const struct dns_message *answer)
{
	return !answer->is_authoritative && answer->rcode == DNS_NOERROR &&
	       dns_message_find(answer, DNS_AUTHORITY, DNS_NS, NULL, NULL) &&
	       !dns_message_find(answer, DNS_AUTHORITY, DNS_SOA, NULL, NULL) &&
	       !dns_message_find(answer, DNS_ANSWER, 0, NULL, NULL);
}

static enum observation answered(
	const struct dns_probe_op *probe, const char *value, struct server_state *state)
{
	const struct dns_message *answer = &probe->answer;

	switch (answer->rcode) {
	case DNS_NOERROR:
	case DNS_NXDOMAIN:
		break;
	case DNS_REFUSED:
	case DNS_NOTAUTH:
		return OBSERVED_REFUSED;
	case DNS_FORMERR:
	case DNS_NOTIMP:
		return OBSERVED_FORMERR;
	default:
		return OBSERVED_SERVFAIL;
	}
	if (state->role != ROLE_EXTRA && !answer->is_authoritative)
		return OBSERVED_LAME;
	/* A resolver does not send us on: this one serves other zones, and looks nothing up. */
	if (state->role == ROLE_EXTRA && is_referral(answer))
		return OBSERVED_LAME;
	if (answer->rcode == DNS_NXDOMAIN) {
		take_negative(answer, state);
		return OBSERVED_NXDOMAIN;
	}
	return records(answer, probe->name, probe->type, value, state);
}

enum observation classify(
	const struct dns_probe_op *probe, const char *value, struct server_state *state)
{
	state->said[0] = '\0';
	state->content = 0;
	state->rtt_ms = probe->outcome == DNS_ANSWERED ? probe->rtt_ms : -1;
	switch (probe->outcome) {
	case DNS_ANSWERED:
		return answered(probe, value, state);
	case DNS_UNREACHABLE:
		return OBSERVED_UNREACHABLE;
	case DNS_GARBAGE:
		return OBSERVED_GARBAGE;
	case DNS_TRUNCATED:
		return OBSERVED_TRUNCATED;
	case DNS_ALTERED:
		return OBSERVED_ALTERED;
	case DNS_NO_ROUTE:
		return OBSERVED_NO_ROUTE;
	case DNS_TIMEOUT:
	default:
		return OBSERVED_TIMEOUT;
	}
}

void classify_serial(const struct dns_probe_op *probe, struct server_state *state)
{
	const struct dns_record *soa =
		probe->outcome == DNS_ANSWERED && probe->answer.is_authoritative
			? dns_message_find(&probe->answer, DNS_ANSWER, DNS_SOA, NULL, NULL)
			: NULL;

	if (soa)
		take_soa(soa, state);
}
