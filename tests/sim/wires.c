#include "tests/sim/wires.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/dns_message.h"
#include "lib/wire/dns_name.h"
#include "tests/sim/dns_wire.h"
#include "tests/sim/town.h"

enum { ALIASES_MAX = 8 };

struct record {
	struct list link;
	char *owner, *text;
	uint16_t type;
	int64_t added, removed; /* removed 0: it stands */
};

struct host {
	struct list link;
	char *apex, *name, *address; /* apex NULL: a resolver */
	int64_t lag_ms, frozen;
	enum wires_fault fault;
	unsigned n_asked;
	bool is_hidden;
};

/* What a resolver was told is not there. */
struct memory {
	struct list link;
	struct host *host;
	char *name;
	uint16_t type;
	int64_t until;
};

static void forget(struct wires *wires)
{
	list_each_safe(at, &wires->memories) {
		struct memory *memory = LIST_OF(at, struct memory, link);

		list_remove(at);
		free(memory->name);
		free(memory);
	}
}

void wires_close(struct wires *wires)
{
	forget(wires);
	list_each_safe(at, &wires->servers) {
		struct host *host = LIST_OF(at, struct host, link);

		free(host->apex);
		free(host->name);
		free(host->address);
		free(host);
	}
	list_each_safe(at, &wires->records) {
		struct record *record = LIST_OF(at, struct record, link);

		free(record->owner);
		free(record->text);
		free(record);
	}
}

static struct host *host_new(struct wires *wires, const char *address)
{
	struct host *host = mem_new(struct host);

	host->address = mem_strdup(address);
	list_append(&wires->servers, &host->link);
	return host;
}

void wires_serve(struct wires *wires, const char *apex, const char *name, const char *address,
	int64_t lag_ms)
{
	struct host *host = host_new(wires, address);

	host->apex = mem_strdup(apex);
	host->name = mem_strdup(name);
	host->lag_ms = lag_ms;
}

void wires_hide(struct wires *wires, const char *name)
{
	list_each(at, &wires->servers) {
		struct host *host = LIST_OF(at, struct host, link);

		if (host->apex && str_is(host->name, name))
			host->is_hidden = true;
	}
}

void wires_resolver(struct wires *wires, const char *address)
{
	host_new(wires, address);
}

static struct host *host_at(const struct wires *wires, const char *address, const char *name)
{
	struct host *best = NULL;

	list_each(at, &wires->servers) {
		struct host *host = LIST_OF(at, struct host, link);

		if (!str_is(host->address, address))
			continue;
		if (!host->apex || !name)
			return host;
		if (dns_name_is_below(name, host->apex) &&
			(!best || strlen(host->apex) > strlen(best->apex)))
			best = host;
	}
	return best;
}

void wires_open(struct wires *wires, struct town *town)
{
	static const char *const resolvers[] = { WIRES_OWN, "1.1.1.1", "8.8.8.8", "9.9.9.9",
		"208.67.222.222" };

	*wires = (struct wires){ .town = town };
	town->wires = wires;
	list_init(&wires->servers);
	list_init(&wires->records);
	list_init(&wires->memories);
	for (size_t i = 0; i < ARRAY_LEN(resolvers); i++)
		wires_resolver(wires, resolvers[i]);
	wires_serve(wires, "com", "ns.com", "203.0.113.1", 0);
	wires_serve(wires, "example.com", "ns1.example.com", WIRES_NS1, 0);
	wires_serve(wires, "example.com", "ns2.example.com", WIRES_NS2, 0);
}

void wires_fault(struct wires *wires, const char *address, enum wires_fault fault)
{
	list_each(at, &wires->servers) {
		struct host *host = LIST_OF(at, struct host, link);

		if (!str_is(host->address, address))
			continue;
		host->fault = fault;
		host->frozen = clock_tick().ms;
	}
}

void wires_drag(struct wires *wires, const char *apex)
{
	wires->dragged = apex;
}

static bool is_dragged(const struct wires *wires, const struct host *host, const char *name)
{
	return wires->dragged && !host->apex && dns_name_is_below(name, wires->dragged);
}

void wires_add(struct wires *wires, const char *owner, uint16_t type, const char *text)
{
	struct record *record = mem_new(struct record);

	record->owner = mem_strdup(owner);
	record->text = mem_strdup(text);
	record->type = type;
	record->added = clock_tick().ms;
	list_append(&wires->records, &record->link);
}

void wires_remove(struct wires *wires, const char *owner, uint16_t type, const char *text)
{
	list_each(at, &wires->records) {
		struct record *record = LIST_OF(at, struct record, link);

		if (record->type == type && str_is(record->owner, owner) &&
			str_is(record->text, text) && !record->removed) {
			record->removed = clock_tick().ms;
			return;
		}
	}
}

void wires_settle(struct wires *wires)
{
	list_each(at, &wires->records)
		LIST_OF(at, struct record, link)->added = INT64_MIN / 2;
}

unsigned wires_asked(const struct wires *wires, const char *address)
{
	const struct host *host = host_at(wires, address, NULL);

	return host ? host->n_asked : 0;
}

/* The moment whose content a host shows. */
static int64_t moment_of(const struct host *host)
{
	return (host->fault == WIRES_FROZEN ? host->frozen : clock_tick().ms) - host->lag_ms;
}

static bool stands(const struct record *record, int64_t moment)
{
	return record->added <= moment && (!record->removed || record->removed > moment);
}

/* The zone that holds the name, as the world knows it. */
static const char *zone_of_name(const struct wires *wires, const char *name)
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

/* Records of the owner at that moment; an alias in their place.  Its target is returned. */
static const char *add_records(struct reply *reply, const struct wires *wires,
	const char *owner, uint16_t type, int64_t moment, bool *exists)
{
	const char *alias = NULL;

	list_each(at, &wires->records) {
		const struct record *record = LIST_OF(at, struct record, link);

		if (!stands(record, moment))
			continue;
		*exists = *exists || dns_name_is_below(record->owner, owner);
		if (!str_is(record->owner, owner) ||
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
	const struct host *host = host_at(wires, address, apex);

	return host && host->apex && str_is(host->apex, apex);
}

static void answer_with_authority(const struct wires *wires, const struct host *host,
	const char *name, uint16_t type, struct reply *reply)
{
	const char *zone = zone_of_name(wires, name);
	int64_t moment = moment_of(host);
	bool exists = str_is(name, host->apex);

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
	add_records(reply, wires, name, type, moment, &exists);
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

static void answer_as_resolver(struct wires *wires, struct host *host, const char *name,
	uint16_t type, struct reply *reply)
{
	const char *alias = name, *zone;
	bool exists = false, is_known = remembers(wires, host, name, type);

	for (int i = 0; alias && !is_known && i < ALIASES_MAX; i++) {
		const char *at = alias;

		zone = zone_of_name(wires, at);
		if (zone && str_is(zone, at) && type == DNS_SOA)
			add_soa(reply, wires, zone, moment_of(host), DNS_ANSWER);
		if (zone && str_is(zone, at) && type == DNS_NS)
			add_servers(reply, wires, zone, DNS_ANSWER);
		exists = add_addresses(reply, wires, at, type) || exists;
		alias = add_records(reply, wires, at, type, moment_of(host), &exists);
	}
	if (reply->n_answers > 0)
		return;
	zone = zone_of_name(wires, name);
	reply->rcode = exists ? DNS_NOERROR : DNS_NXDOMAIN;
	if (zone)
		add_soa(reply, wires, zone, moment_of(host), DNS_AUTHORITY);
	if (!is_known)
		remember(wires, host, name, type);
}

bool wires_answer(struct wires *wires, const char *address, const char *name, uint16_t type,
	struct reply *reply)
{
	struct host *host = host_at(wires, address, name);

	wires->n_asked++;
	if (!host)
		host = host_at(wires, address, NULL);
	if (!host || host->fault == WIRES_SILENT || is_dragged(wires, host, name))
		return false;
	host->n_asked++;
	if (host->fault == WIRES_FLAPS && host->n_asked % 2)
		return false;
	if (host->fault == WIRES_REFUSES || !host_at(wires, address, name))
		reply->rcode = DNS_REFUSED;
	else if (host->fault == WIRES_FAILS)
		reply->rcode = DNS_SERVFAIL;
	else if (host->apex)
		answer_with_authority(wires, host, name, type, reply);
	else
		answer_as_resolver(wires, host, name, type, reply);
	return true;
}

bool wires_show(struct wires *wires, const char *owner, const char *text)
{
	bool some = false;

	for (int i = 0; i < ALIASES_MAX; i++) {
		const char *alias = NULL, *zone = zone_of_name(wires, owner);

		some = false;
		list_each(at, &wires->servers) {
			const struct host *host = LIST_OF(at, struct host, link);
			bool has = false;

			if (!host->apex || !zone || !str_is(host->apex, zone) ||
				host->fault == WIRES_SILENT)
				continue;
			list_each(in, &wires->records) {
				const struct record *record = LIST_OF(in, struct record, link);

				if (!str_is(record->owner, owner) ||
					!stands(record, moment_of(host)))
					continue;
				if (record->type == DNS_CNAME)
					alias = record->text;
				has = has ||
				      (record->type == DNS_TXT && str_is(record->text, text));
			}
			if (!has && !alias)
				return false;
			some = true;
		}
		if (!alias)
			return some;
		owner = alias;
	}
	return some;
}

bool wires_holds(const struct wires *wires, const char *owner, uint16_t type, const char *text)
{
	list_each(at, &wires->records) {
		const struct record *record = LIST_OF(at, struct record, link);

		if (record->type == type && !record->removed &&
			(!owner || str_is(record->owner, owner)) &&
			(!text || str_is(record->text, text)))
			return true;
	}
	return false;
}

void wires_lose(struct wires *wires, unsigned k, bool hangs)
{
	wires->lose_at = wires->n_begun + k;
	wires->hangs = hangs;
}

bool wires_are_silent(const struct wires *wires, const char *address, const char *name)
{
	const struct host *host = host_at(wires, address, name);

	return !host || host->fault == WIRES_SILENT || is_dragged(wires, host, name) ||
	       (host->fault == WIRES_FLAPS && host->n_asked % 2 == 0);
}

const char *wires_resolver_at(const struct wires *wires, size_t i)
{
	list_each(at, &wires->servers) {
		const struct host *host = LIST_OF(at, struct host, link);

		if (!host->apex && i-- == 0)
			return host->address;
	}
	return NULL;
}
