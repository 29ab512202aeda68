/* SPDX-License-Identifier: MIT */
#include "daemon/dns/resolve/servers.h"

#include <stdbool.h>

#include "lib/base/attr.h"
#include "tests/test.h"

#define SERVERS __attribute__((cleanup(servers_done)))

static struct dns_address four(uint8_t last)
{
	const uint8_t octets[] = { 192, 0, 2, last };

	return dns_address_of(octets, sizeof(octets), 53);
}

static struct dns_address six(uint8_t last)
{
	const uint8_t octets[16] = { 0x20, 1, 0x0d, 0xb8, [15] = last };

	return dns_address_of(octets, sizeof(octets), 53);
}

static void add(struct servers *servers, const char *name, uint8_t last, enum server_role role)
{
	struct dns_address address = four(last);

	servers_add(servers, name, &address, role);
}

/* Each address counts once, in its strongest role, and keeps the first name that it was given. */
TEST(an_address_stands_once)
{
	static const struct {
		enum server_role first, second, want;
		bool is_listed;
	} rows[] = {
		{ ROLE_AUTHORITATIVE, ROLE_AUTHORITATIVE, ROLE_AUTHORITATIVE, true },
		{ ROLE_PRIMARY, ROLE_AUTHORITATIVE, ROLE_PRIMARY, true },
		{ ROLE_AUTHORITATIVE, ROLE_PRIMARY, ROLE_PRIMARY, true },
		{ ROLE_EXTRA, ROLE_AUTHORITATIVE, ROLE_AUTHORITATIVE, true },
		{ ROLE_AUTHORITATIVE, ROLE_EXTRA, ROLE_AUTHORITATIVE, true },
		{ ROLE_PRIMARY, ROLE_EXTRA, ROLE_PRIMARY, false },
		{ ROLE_EXTRA, ROLE_EXTRA, ROLE_EXTRA, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct servers servers SERVERS = { .n = 0 };
		int before = test_failures;

		add(&servers, "", 1, rows[i].first);
		add(&servers, "ns1.example.com", 1, rows[i].second);
		add(&servers, "ns2.example.com", 1, rows[i].second);
		add(&servers, "ns2.example.com", 2, ROLE_AUTHORITATIVE);
		CHECK_INT(servers.n, 2);
		CHECK_INT(servers.at[0].role, rows[i].want);
		CHECK_INT(servers.at[0].is_listed, rows[i].is_listed);
		CHECK_STR(servers.at[0].name, "ns1.example.com");
		CHECK_STR(servers.at[0].text, "192.0.2.1");
		if (test_failures != before)
			printf("# row %zu\n", i);
	}
}

TEST(another_port_is_another_server)
{
	struct servers servers SERVERS = { .n = 0 };
	const uint8_t octets[] = { 192, 0, 2, 1 };
	struct dns_address other = dns_address_of(octets, sizeof(octets), 5353);

	add(&servers, "", 1, ROLE_AUTHORITATIVE);
	servers_add(&servers, "", &other, ROLE_AUTHORITATIVE);
	CHECK_INT(servers.n, 2);
	CHECK_STR(servers.at[1].text, "192.0.2.1:5353");
}

TEST(addresses_are_bounded)
{
	struct servers servers SERVERS = { .n = 0 };

	for (int i = 0; i < 200; i++)
		add(&servers, "ns.example.com", (uint8_t)i, ROLE_AUTHORITATIVE);
	CHECK(servers.n > ZONE_ADDRESSES_MAX / 2);
	for (int i = 0; i < 200; i++)
		add(&servers, "", (uint8_t)(255 - i), ROLE_EXTRA);
	CHECK_INT(servers.n, ZONE_ADDRESSES_MAX);
	/* One that stands already is no new one. */
	add(&servers, "", 0, ROLE_PRIMARY);
	CHECK_INT(servers.at[0].role, ROLE_PRIMARY);
}

/* With a crowd of the zone's own, the extra ones still have their places. */
TEST(a_crowd_leaves_room_for_extras)
{
	struct servers servers SERVERS = { .n = 0 };
	size_t n_extras = 0;

	for (int i = 0; i < 100; i++)
		add(&servers, "ns.example.com", (uint8_t)i, ROLE_AUTHORITATIVE);
	for (int i = 100; i < 104; i++)
		add(&servers, "", (uint8_t)i, ROLE_EXTRA);
	for (size_t i = 0; i < servers.n; i++)
		n_extras += servers.at[i].role == ROLE_EXTRA;
	CHECK_INT(n_extras, 4);
	CHECK_INT(servers_authoritative(&servers) + n_extras, servers.n);
}

/* What the configuration names is missed, what a zone says of itself is not. */
TEST(configured_names_without_address_have_a_place)
{
	struct servers servers SERVERS = { .n = 0 };
	struct dns_address address = four(1);

	servers_want(&servers, "ns1.example.com", 0, ROLE_AUTHORITATIVE);
	servers_name(&servers, "ns2.example.com", 0, ROLE_AUTHORITATIVE);
	servers_name(&servers, "ns3.example.com", 0, ROLE_EXTRA);
	servers_add_for(&servers, &servers.wanted[1], &address);
	servers.wanted[1].is_resolved = true;
	servers_add_unresolved(&servers);
	servers_sort(&servers);
	CHECK_INT(servers.n, 2);
	CHECK_STR(servers.at[0].text, "192.0.2.1");
	CHECK_STR(servers.at[1].text, "ns3.example.com");
	CHECK_INT(servers.at[1].address.len, 0);
	CHECK_INT(servers.at[1].role, ROLE_EXTRA);
}

TEST(names_are_wanted_once_and_resolved)
{
	struct servers servers SERVERS = { .n = 0 };
	struct dns_address address = four(1), other = six(1), glue = four(9);
	char name[300];

	servers_want(&servers, "ns1.example.com", 0, ROLE_AUTHORITATIVE);
	servers_want(&servers, "ns1.example.com", 0, ROLE_AUTHORITATIVE);
	servers_want(&servers, "ns2.example.com", 5353, ROLE_AUTHORITATIVE);
	CHECK_INT(servers.n_wanted, 2);
	CHECK_INT(servers_unresolved(&servers), 2);

	servers_add_for(&servers, &servers.wanted[0], &address);
	servers_add_for(&servers, &servers.wanted[1], &address);
	servers_add_for(&servers, &servers.wanted[1], &other);
	CHECK_INT(servers.n, 3);
	CHECK_STR(servers.at[0].text, "192.0.2.1");
	CHECK_STR(servers.at[1].text, "192.0.2.1:5353");
	CHECK_STR(servers.at[2].text, "[2001:db8::1]:5353");
	servers.wanted[0].is_resolved = servers.wanted[1].is_resolved = true;

	/* What came along counts only for those that have nothing better; for names nobody wants, not at all. */
	servers_add_glue(&servers, "ns1.example.com", &glue);
	servers_add_glue(&servers, "ns9.example.com", &glue);
	servers_use_glue(&servers);
	CHECK_INT(servers.n, 3);
	servers_want(&servers, "ns3.example.com", 0, ROLE_AUTHORITATIVE);
	for (uint8_t i = 0; i < 10; i++) {
		glue = four((uint8_t)(20 + i));
		servers_add_glue(&servers, "ns3.example.com", &glue);
	}
	CHECK_INT(servers_unresolved(&servers), 1);
	servers_use_glue(&servers);
	CHECK_INT(servers_unresolved(&servers), 0);
	CHECK_INT(servers.n, 3 + SERVER_GLUE_MAX);

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d.example.net", i);
		servers_want(&servers, name, 0, ROLE_AUTHORITATIVE);
	}
	CHECK_INT(servers.n_wanted, SERVER_NAMES_MAX);
	/* A zone of many servers leaves room for those of the configuration. */
	servers_want(&servers, "extra.example.org", 0, ROLE_EXTRA);
	CHECK_INT(servers.n_wanted, SERVER_NAMES_MAX + 1);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	servers.n_wanted = 0;
	servers_want(&servers, name, 0, ROLE_AUTHORITATIVE);
	CHECK_INT(servers.n_wanted, 0);
}

TEST(the_soa_record_names_the_primary)
{
	struct servers servers SERVERS = { .n = 0 };
	struct dns_address address = six(3);

	add(&servers, "ns1.example.com", 1, ROLE_AUTHORITATIVE);
	add(&servers, "ns2.example.com", 2, ROLE_AUTHORITATIVE);
	servers_add(&servers, "ns2.example.com", &address, ROLE_AUTHORITATIVE);
	add(&servers, "resolver.example", 4, ROLE_EXTRA);
	servers_name_primary(&servers, "ns2.example.com");
	servers_name_primary(&servers, "resolver.example");
	servers_name_primary(&servers, "hidden.example.com");
	CHECK_INT(servers.at[0].role, ROLE_AUTHORITATIVE);
	CHECK_INT(servers.at[1].role, ROLE_PRIMARY);
	CHECK_INT(servers.at[2].role, ROLE_PRIMARY);
	/* It is one of the name servers that the world asks, too. */
	CHECK(servers.at[1].is_listed && servers.at[2].is_listed);
	CHECK_INT(servers.at[3].role, ROLE_EXTRA);

	servers_mark_anycast(&servers, &address);
	CHECK(!servers.at[1].is_anycast);
	CHECK(servers.at[2].is_anycast);
}

/* In whatever order they turned up. */
TEST(they_are_told_in_order)
{
	static const char *const want[] = { "192.0.2.7", "192.0.2.2", "192.0.2.9", "192.0.2.3",
		"192.0.2.1" };
	struct servers servers SERVERS = { .n = 0 };

	add(&servers, "", 1, ROLE_EXTRA);
	add(&servers, "ns2.example.com", 3, ROLE_AUTHORITATIVE);
	add(&servers, "ns1.example.com", 9, ROLE_AUTHORITATIVE);
	add(&servers, "ns1.example.com", 2, ROLE_AUTHORITATIVE);
	add(&servers, "ns9.example.com", 7, ROLE_PRIMARY);
	servers_sort(&servers);
	for (size_t i = 0; i < servers.n; i++)
		CHECK_STR(servers.at[i].text, want[i]);
}
