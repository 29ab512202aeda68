/* SPDX-License-Identifier: MIT */
#include "lib/net/listener.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/attr.h"
#include "tests/test.h"

/* Whom a connection counts for; that floods throw out their own is in responder_test.c. */

static void key_of(const char *text, uint8_t key[16])
{
	struct sockaddr_storage addr = { .ss_family = strchr(text, ':') ? AF_INET6 : AF_INET };

	REQUIRE(inet_pton(addr.ss_family, text,
			addr.ss_family == AF_INET6
				? (void *)&((struct sockaddr_in6 *)&addr)->sin6_addr
				: (void *)&((struct sockaddr_in *)&addr)->sin_addr) == 1);
	listener_key(&addr, key);
}

TEST(what_counts_as_one_address)
{
	static const struct {
		const char *a, *b;
		bool is_one;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "::1", "127.0.0.1", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t a[16], b[16];

		key_of(rows[i].a, a);
		key_of(rows[i].b, b);
		if ((memcmp(a, b, sizeof(a)) == 0) != rows[i].is_one)
			TEST_FAIL("%s %s", rows[i].a, rows[i].b);
	}
}
