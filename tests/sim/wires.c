/* SPDX-License-Identifier: MIT */
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
#include "tests/sim/wires_private.h"

enum { ALIASES_MAX = 8 };

static void forget(struct wires *wires)
{
	list_each_safe(at, &wires->memories) {
		struct memory *memory = LIST_OF(at, struct memory, link);

		list_remove(at);
		free(memory->name);
		free(memory);
	}
}

static void forget_records(struct list *records)
{
	list_each_safe(at, records) {
		struct record *record = LIST_OF(at, struct record, link);

		free(record->owner);
		free(record->text);
		free(record);
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
	forget_records(&wires->records);
	forget_records(&wires->overrides);
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

struct host *wires_host_at(const struct wires *wires, const char *address, const char *name)
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
	list_init(&wires->overrides);
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

bool wires_is_dragged(const struct wires *wires, const struct host *host, const char *name)
{
	if (wires->mute && str_is(name, wires->mute))
		return true;
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

void wires_override(struct wires *wires, const char *owner, uint16_t type, const char *text)
{
	struct record *record = mem_new(struct record);

	record->owner = mem_strdup(owner);
	record->text = text ? mem_strdup(text) : NULL;
	record->type = type;
	list_append(&wires->overrides, &record->link);
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
	unsigned n = 0;

	list_each(at, &wires->servers) {
		const struct host *host = LIST_OF(at, struct host, link);

		n += str_is(host->address, address) ? host->n_asked : 0;
	}
	return n;
}

bool wires_show(struct wires *wires, const char *owner, const char *text)
{
	bool some = false;

	for (int i = 0; i < ALIASES_MAX; i++) {
		const char *alias = NULL, *zone = wires_zone_of(wires, owner);

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
	const struct host *host = wires_host_at(wires, address, name);

	return !host || host->fault == WIRES_SILENT || wires_is_dragged(wires, host, name) ||
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
