/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/dns_message.h"
#include "lib/wire/dns_name.h"
#include "tests/sim/dns_wire.h"
#include "tests/sim/wires_private.h"

enum { ALIASES_MAX = 8 };

const char *wires_zone_of(const struct wires *wires, const char *name)
{
	const char *best = NULL;

	list_each(at, &wires->servers) {
		const struct host *host = LIST_OF(at, struct host, link);

		if (host->apex && dns_name_is_below(name, host->apex) &&
			(!best || strlen(host->apex) > strlen(best)))
			best = host->apex;
	}
	return best;
}

static unsigned serial_at(const struct wires *wires, const char *apex, int64_t moment)
{
	unsigned serial = 1;

	list_each(at, &wires->records) {
		const struct record *record = LIST_OF(at, struct record, link);

		if (!dns_name_is_below(record->owner, apex))
			continue;
		serial += record->added <= moment;
		serial += record->removed && record->removed <= moment;
	}
	return serial;
}

static void add_soa(struct reply *reply, const struct wires *wires, const char *apex,
	int64_t moment, enum dns_section section)
{
	char text[DNS_NAME_LEN + 100];
	const char *primary = "";

	list_each(at, &wires->servers) {
		const struct host *host = LIST_OF(at, struct host, link);

		if (host->apex && str_is(host->apex, apex)) {
			primary = host->name;
			break;
		}
	}
	snprintf(text, sizeof(text), "%s %u %d", primary, serial_at(wires, apex, moment),
		WIRES_NEGATIVE_S);
	reply_add(reply, section, apex, DNS_SOA, text);
}

static void add_servers(struct reply *reply, const struct wires *wires, const char *apex,
	enum dns_section section)
{
	list_each(at, &wires->servers) {
		const struct host *host = LIST_OF(at, struct host, link);
		bool is_six = strchr(host->address, ':') != NULL;

		if (!host->apex || !str_is(host->apex, apex) ||
			(host->is_hidden && section == DNS_ANSWER))
			continue;
		reply_add(reply, section, apex, DNS_NS, host->name);
		reply_add(reply, DNS_ADDITIONAL, host->name, is_six ? DNS_AAAA : DNS_A,
			host->address);
	}
}

/* Addresses of name servers are known everywhere. */
static bool add_addresses(
	struct reply *reply, const struct wires *wires, const char *name, uint16_t type)
{
	bool has_any = false;

	list_each(at, &wires->servers) {
		const struct host *host = LIST_OF(at, struct host, link);
		bool is_six = strchr(host->address, ':') != NULL;

		if (!host->apex || !str_is(host->name, name))
			continue;
		has_any = true;
		if (type == (is_six ? DNS_AAAA : DNS_A))
			reply_add(reply, DNS_ANSWER, name, type, host->address);
	}
	return has_any;
}

static bool is_there(const struct wires *wires, const char *name, int64_t moment)
{
	list_each(at, &wires->servers) {
		const struct host *host = LIST_OF(at, struct host, link);

		if (host->apex && (dns_name_is_below(host->apex, name) ||
					  dns_name_is_below(host->name, name)))
			return true;
	}
	list_each(at, &wires->records) {
		const struct record *record = LIST_OF(at, struct record, link);

		if (stands(record, moment) && dns_name_is_below(record->owner, name))
			return true;
	}
	return false;
}

/* The name whose records answer: its own, or the wildcard below what exists above it (RFC 4592, 3.3). */
static void source_of(
	const struct wires *wires, const char *name, int64_t moment, char out[DNS_NAME_LEN + 2])
{
	const char *at = name;

	while (*at && !is_there(wires, at, moment))
		at = dns_name_parent(at);
	snprintf(out, DNS_NAME_LEN + 2, "%s%s", at == name ? "" : "*.", at);
}

/* Records of the owner at that moment; an alias in their place.  Its target is returned. */
static const char *add_records(struct reply *reply, const struct wires *wires,
	const char *owner, uint16_t type, int64_t moment, bool *exists)
{
	char source[DNS_NAME_LEN + 2];
	const char *alias = NULL;

	source_of(wires, owner, moment, source);
	list_each(at, &wires->records) {
		const struct record *record = LIST_OF(at, struct record, link);

		if (!stands(record, moment))
			continue;
		*exists = *exists || dns_name_is_below(record->owner, source);
		if (!str_is(record->owner, source) ||
			(record->type != type && record->type != DNS_CNAME))
			continue;
		reply_add(reply, DNS_ANSWER, owner, record->type, record->text);
		if (record->type == DNS_CNAME && type != DNS_CNAME)
			alias = record->text;
	}
	return alias;
}

bool wires_has_zone(const struct wires *wires, const char *address, const char *apex)
{
	const struct host *host = wires_host_at(wires, address, apex);

	return host && host->apex && str_is(host->apex, apex);
}

/* Of the target, which another zone of the same server may hold, the first step is told. */
static void follow(const struct wires *wires, const struct host *host, const char *alias,
	uint16_t type, struct reply *reply)
{
	const char *zone = wires_zone_of(wires, alias);
	size_t before = reply->n_answers;
	bool exists = false;

	if (!zone || !wires_has_zone(wires, host->address, zone))
		return;
	add_records(reply, wires, alias, type, moment_of(host), &exists);
	if (reply->n_answers == before)
		add_soa(reply, wires, zone, moment_of(host), DNS_AUTHORITY);
}

static void answer_with_authority(const struct wires *wires, const struct host *host,
	const char *name, uint16_t type, struct reply *reply)
{
	const char *zone = wires_zone_of(wires, name);
	int64_t moment = moment_of(host);
	bool exists = str_is(name, host->apex);
	const char *alias;

	if (zone && strlen(zone) > strlen(host->apex) &&
		!wires_has_zone(wires, host->address, zone)) {
		add_servers(reply, wires, zone, DNS_AUTHORITY);
		return;
	}
	reply->is_authoritative = host->fault != WIRES_LAME;
	if (str_is(name, host->apex) && type == DNS_SOA)
		add_soa(reply, wires, name, moment, DNS_ANSWER);
	if (str_is(name, host->apex) && type == DNS_NS)
		add_servers(reply, wires, name, DNS_ANSWER);
	exists = add_addresses(reply, wires, name, type) || exists;
	alias = add_records(reply, wires, name, type, moment, &exists);
	if (alias)
		follow(wires, host, alias, type, reply);
	if (reply->n_answers > 0)
		return;
	reply->rcode = exists ? DNS_NOERROR : DNS_NXDOMAIN;
	add_soa(reply, wires, host->apex, moment, DNS_AUTHORITY);
}

static bool remembers(
	const struct wires *wires, const struct host *host, const char *name, uint16_t type)
{
	list_each(at, &wires->memories) {
		const struct memory *memory = LIST_OF(at, struct memory, link);

		if (memory->host == host && memory->type == type &&
			str_is(memory->name, name) && memory->until > clock_tick().ms)
			return true;
	}
	return false;
}

static void remember(struct wires *wires, struct host *host, const char *name, uint16_t type)
{
	struct memory *memory = mem_new(struct memory);

	memory->host = host;
	memory->name = mem_strdup(name);
	memory->type = type;
	memory->until = clock_tick().ms + WIRES_NEGATIVE_S * 1000;
	list_append(&wires->memories, &memory->link);
}

/* Has it an entry of its own for the name? */
static bool add_overrides(const struct wires *wires, const struct host *host, const char *name,
	uint16_t type, struct reply *reply)
{
	bool has_any = false;

	list_each(at, &wires->overrides) {
		const struct record *record = LIST_OF(at, struct record, link);

		if (!str_is(host->address, WIRES_OWN) || !str_is(record->owner, name))
			continue;
		has_any = true;
		if (!record->text)
			reply->rcode = DNS_NXDOMAIN;
		else if (record->type == type)
			reply_add(reply, DNS_ANSWER, name, type, record->text);
	}
	return has_any;
}

static void answer_as_resolver(struct wires *wires, struct host *host, const char *name,
	uint16_t type, struct reply *reply)
{
	const char *alias = name, *zone;
	bool exists = false, is_known = remembers(wires, host, name, type);

	if (add_overrides(wires, host, name, type, reply))
		return;
	for (int i = 0; alias && !is_known && i < ALIASES_MAX; i++) {
		const char *at = alias;

		zone = wires_zone_of(wires, at);
		if (zone && str_is(zone, at) && type == DNS_SOA)
			add_soa(reply, wires, zone, moment_of(host), DNS_ANSWER);
		if (zone && str_is(zone, at) && type == DNS_NS)
			add_servers(reply, wires, zone, DNS_ANSWER);
		exists = add_addresses(reply, wires, at, type) || exists;
		alias = add_records(reply, wires, at, type, moment_of(host), &exists);
	}
	if (reply->n_answers > 0)
		return;
	zone = wires_zone_of(wires, name);
	reply->rcode = exists ? DNS_NOERROR : DNS_NXDOMAIN;
	if (zone)
		add_soa(reply, wires, zone, moment_of(host), DNS_AUTHORITY);
	if (!is_known)
		remember(wires, host, name, type);
}

bool wires_answer(struct wires *wires, const char *address, const char *name, uint16_t type,
	struct reply *reply)
{
	struct host *host = wires_host_at(wires, address, name);

	wires->n_asked++;
	if (!host)
		host = wires_host_at(wires, address, NULL);
	if (!host || host->fault == WIRES_SILENT || wires_is_dragged(wires, host, name))
		return false;
	host->n_asked++;
	if (host->fault == WIRES_FLAPS && host->n_asked % 2)
		return false;
	if (host->fault == WIRES_REFUSES || !wires_host_at(wires, address, name))
		reply->rcode = DNS_REFUSED;
	else if (host->fault == WIRES_FAILS)
		reply->rcode = DNS_SERVFAIL;
	else if (host->apex)
		answer_with_authority(wires, host, name, type, reply);
	else
		answer_as_resolver(wires, host, name, type, reply);
	return true;
}
