/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/trace_apex.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"

static void copy_name(char out[DNS_NAME_LEN], const char *name)
{
	snprintf(out, DNS_NAME_LEN, "%s", name);
}

/*
 * May this be the zone of the owner?  A zone above the one whose servers were asked is possible
 * only where the configuration calls a mere name a zone: the operator of a child zone must not
 * direct records elsewhere, nor make certd ask arbitrary servers.
 */
static bool is_credible(const struct trace *t, const char *apex)
{
	return dns_name_is_below(t->owner, apex) &&
	       (dns_name_is_below(apex, t->delegation.apex) ||
		       (t->is_configured && strchr(apex, '.')));
}

/*
 * The SOA or NS record beside an answer that names its zone, or NULL. Beside an alias such
 * records are about the alias's target.
 */
static const struct dns_record *zone_record(
	const struct trace *t, const struct dns_message *answer)
{
	const struct dns_record *found = NULL;

	if (t->is_alias)
		return NULL;
	if (t->type == DNS_SOA)
		found = dns_message_find(answer, DNS_ANSWER, DNS_SOA, t->owner, NULL);
	if (!found)
		found = dns_message_find(answer, DNS_AUTHORITY, DNS_SOA, NULL, NULL);
	return found ? found : dns_message_find(answer, DNS_AUTHORITY, DNS_NS, NULL, NULL);
}

/*
 * Without such a record the zone is that whose servers were asked, unless an SOA question tells
 * otherwise.
 */
void trace_apex_take(struct trace *t, const struct dns_message *answer)
{
	const struct dns_record *by = zone_record(t, answer);
	bool is_asked = t->type == DNS_SOA && !t->is_alias;

	copy_name(t->apex, by && is_credible(t, by->owner) ? by->owner : t->delegation.apex);
	/*
	 * A server that holds both a zone and its parent does not tell which of them an answer
	 * is from.
	 */
	t->needs_soa = !by && !is_asked && (t->is_publish || t->type == DNS_TXT);
	/*
	 * An answer with an alias tells nothing else; the name above it is in the same zone, or
	 * is its apex.
	 */
	t->soa_of = t->is_alias ? dns_name_parent(t->owner) : t->owner;
}

void trace_apex_ask(struct trace *t)
{
	if (!t->soa)
		t->soa = mem_new(struct lookup);
	lookup_start_at(t->soa, &t->task, t->zones, t->delegation.apex, t->soa_of, DNS_SOA,
		t->delegation.at, t->delegation.n);
}

/* A wildcard makes aliases of the names between it and the owner, too. */
static bool climbs(struct trace *t, const struct dns_message *answer)
{
	const char *up = dns_name_parent(t->soa_of);

	if (!t->is_alias || !up || !is_credible(t, up) ||
		!dns_message_find(answer, DNS_ANSWER, DNS_CNAME, t->soa_of, NULL))
		return false;
	t->soa_of = up;
	return true;
}

int trace_apex_told(struct trace *t, struct err *err)
{
	const struct dns_message *answer = lookup_answer(t->soa);
	const struct dns_record *soa = NULL;

	if (answer && climbs(t, answer))
		return 0;
	t->needs_soa = false;
	if (answer)
		soa = dns_message_find(answer, DNS_AUTHORITY, DNS_SOA, NULL, NULL);
	if (answer && !soa)
		soa = dns_message_find(answer, DNS_ANSWER, DNS_SOA, t->soa_of, NULL);
	if (soa && is_credible(t, soa->owner))
		copy_name(t->apex, soa->owner);
	else if (t->is_alias)
		t->apex[0] = '\0';
	if (*t->apex || (t->is_alias && !t->is_made))
		return 0;
	return err_set(err, ERR_DNS, "no server tells in which zone %s lies", t->owner);
}
