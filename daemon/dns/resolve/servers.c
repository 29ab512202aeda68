/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/servers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Places that no crowd of the zone's own servers takes. */
enum { EXTRAS_KEPT = 8 };

void servers_add(struct servers *servers, const char *name, const struct dns_address *address,
	enum server_role role)
{
	struct name_server *server;

	for (size_t i = 0; i < servers->n; i++) {
		server = &servers->at[i];
		if (!dns_address_is(&server->address, address))
			continue;
		server->is_listed |=
			role == ROLE_AUTHORITATIVE || server->role == ROLE_AUTHORITATIVE;
		/* An extra that serves the zone itself is asked for what it has authority for. */
		if (role < server->role)
			server->role = role;
		if (!server->name[0])
			snprintf(server->name, sizeof(server->name), "%s", name);
		return;
	}
	if (servers->n >= ZONE_ADDRESSES_MAX - (role == ROLE_EXTRA ? 0 : EXTRAS_KEPT))
		return;
	servers->at = mem_grow(servers->at, servers->n + 1, sizeof(*servers->at));
	server = &servers->at[servers->n++];
	*server = (struct name_server){ .address = *address, .role = role };
	dns_address_text(address, server->text);
	snprintf(server->name, sizeof(server->name), "%s", name);
}

static struct wanted_server *find(struct servers *servers, const char *name)
{
	for (size_t i = 0; i < servers->n_wanted; i++)
		if (str_is(servers->wanted[i].name, name))
			return &servers->wanted[i];
	return NULL;
}

void servers_want(
	struct servers *servers, const char *name, uint16_t port, enum server_role role)
{
	struct wanted_server *wanted = find(servers, name);

	if (wanted ||
		servers->n_wanted >=
			SERVER_NAMES_MAX + (role == ROLE_EXTRA ? EXTRAS_KEPT : 0) ||
		strlen(name) >= sizeof(wanted->name))
		return;
	servers->wanted =
		mem_grow(servers->wanted, servers->n_wanted + 1, sizeof(*servers->wanted));
	wanted = &servers->wanted[servers->n_wanted++];
	*wanted = (struct wanted_server){ .port = port, .role = role };
	snprintf(wanted->name, sizeof(wanted->name), "%s", name);
}

void servers_name(
	struct servers *servers, const char *name, uint16_t port, enum server_role role)
{
	struct wanted_server *wanted;

	servers_want(servers, name, port, role);
	wanted = find(servers, name);
	if (wanted)
		wanted->is_configured = true;
}

void servers_add_for(struct servers *servers, struct wanted_server *wanted,
	const struct dns_address *address)
{
	struct dns_address at = *address;

	if (wanted->port && at.any.sa_family == AF_INET6)
		at.six.sin6_port = htons(wanted->port);
	else if (wanted->port)
		at.four.sin_port = htons(wanted->port);
	wanted->n++;
	servers_add(servers, wanted->name, &at, wanted->role);
}

void servers_add_glue(
	struct servers *servers, const char *name, const struct dns_address *address)
{
	struct wanted_server *wanted = find(servers, name);

	if (wanted && wanted->n_glue < SERVER_GLUE_MAX)
		wanted->glue[wanted->n_glue++] = *address;
}

void servers_use_glue(struct servers *servers)
{
	for (size_t i = 0; i < servers->n_wanted; i++) {
		struct wanted_server *wanted = &servers->wanted[i];

		if (wanted->is_resolved)
			continue;
		for (size_t k = 0; k < wanted->n_glue; k++)
			servers_add_for(servers, wanted, &wanted->glue[k]);
		wanted->is_resolved = wanted->n > 0;
	}
}

void servers_add_unresolved(struct servers *servers)
{
	for (size_t i = 0; i < servers->n_wanted; i++) {
		const struct wanted_server *wanted = &servers->wanted[i];
		struct name_server *server;

		if (wanted->is_resolved || !wanted->is_configured ||
			servers->n >= ZONE_ADDRESSES_MAX)
			continue;
		servers->at = mem_grow(servers->at, servers->n + 1, sizeof(*servers->at));
		server = &servers->at[servers->n++];
		*server = (struct name_server){ .role = wanted->role };
		snprintf(server->text, sizeof(server->text), "%.*s",
			(int)sizeof(server->text) - 1, wanted->name);
	}
}

size_t servers_unresolved(const struct servers *servers)
{
	size_t n = 0;

	for (size_t i = 0; i < servers->n_wanted; i++)
		n += !servers->wanted[i].is_resolved;
	return n;
}

size_t servers_authoritative(const struct servers *servers)
{
	size_t n = 0;

	for (size_t i = 0; i < servers->n; i++)
		n += servers->at[i].role != ROLE_EXTRA;
	return n;
}

void servers_name_primary(struct servers *servers, const char *name)
{
	for (size_t i = 0; i < servers->n; i++)
		if (servers->at[i].role == ROLE_AUTHORITATIVE &&
			str_is(servers->at[i].name, name))
			servers->at[i].role = ROLE_PRIMARY, servers->at[i].is_listed = true;
}

void servers_mark_anycast(struct servers *servers, const struct dns_address *address)
{
	for (size_t i = 0; i < servers->n; i++)
		if (dns_address_is(&servers->at[i].address, address))
			servers->at[i].is_anycast = true;
}

static int compare(const void *left, const void *right)
{
	const struct name_server *a = left, *b = right;
	int by_name = strcmp(a->name, b->name);

	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	return by_name ? by_name : memcmp(&a->address, &b->address, sizeof(a->address));
}

void servers_sort(struct servers *servers)
{
	if (servers->n > 0)
		qsort(servers->at, servers->n, sizeof(*servers->at), compare);
}

void servers_done(struct servers *servers)
{
	free(mem_take(&servers->at));
	free(mem_take(&servers->wanted));
	servers->n = servers->n_wanted = 0;
}
