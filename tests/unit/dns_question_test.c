/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_message.h"

#include <ldns/ldns.h>

#include "lib/base/err.h"
#include "tests/test.h"

TEST(question)
{
	struct dns_question question = { .name = "_acme-challenge.example.com",
		.type = DNS_TXT,
		.id = 0x1234,
		.wants_dnssec = true };
	struct buf wire AUTO_BUF = BUF_INIT;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = NULL;
	char *text;

	CHECK_INT(dns_question_write(&question, &wire, &err), 0);
	REQUIRE(ldns_wire2pkt(&pkt, (uint8_t *)wire.data, wire.len) == LDNS_STATUS_OK);
	CHECK_INT(ldns_pkt_id(pkt), 0x1234);
	CHECK(!ldns_pkt_qr(pkt) && !ldns_pkt_rd(pkt) && !ldns_pkt_ad(pkt) && !ldns_pkt_cd(pkt));
	CHECK_INT(ldns_pkt_edns_udp_size(pkt), DNS_EDNS_SIZE);
	CHECK(ldns_pkt_edns_do(pkt));
	text = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_question(pkt), 0));
	CHECK_STR(text, "_acme-challenge.example.com.\tIN\tTXT\n");
	free(text);
	ldns_pkt_free(pkt);

	question = (struct dns_question){ .name = "",
		.type = DNS_NS,
		.recurse = true,
		.wants_authentic = true,
		.no_edns = true };
	buf_clear(&wire);
	CHECK_INT(dns_question_write(&question, &wire, &err), 0);
	CHECK_INT(wire.len, 17);
	CHECK(memcmp(wire.data, "\0\0\1\x20\0\1\0\0\0\0\0\0\0\0\2\0\1", 17) == 0);
	question.name = "a..b";
	CHECK_INT(dns_question_write(&question, &wire, &err), -1);
	CHECK_INT(wire.len, 17);
}

/* The case is the seed's alone, comes back as it was sent, and is mixed. */
TEST(case_of_letters)
{
	struct dns_question question = { .name = "abcdefghijklmnop.0-_.qrstuvwxyz", .type = 1 };
	struct err err = ERR_INIT;
	unsigned upper = 0, lower = 0, same = 0;

	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct buf one AUTO_BUF = BUF_INIT, two AUTO_BUF = BUF_INIT;
		struct dns_message message;

		question.case_seed = seed * UINT32_C(2654435761);
		CHECK_INT(dns_question_write(&question, &one, &err), 0);
		CHECK_INT(dns_question_write(&question, &two, &err), 0);
		REQUIRE(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
		REQUIRE(dns_message_read(one.data, one.len, &message, &err) == 0);
		CHECK_STR(message.question, question.name);
		same += strcmp(message.question_as_sent, question.name) == 0;
		for (const char *p = message.question_as_sent; *p; p++) {
			upper += *p >= 'A' && *p <= 'Z';
			lower += *p >= 'a' && *p <= 'z';
		}
		dns_message_done(&message);
	}
	CHECK_INT(same, 0);
	CHECK_INT(upper + lower, 200 * 26);
	CHECK(upper > 200 * 26 * 45 / 100 && lower > 200 * 26 * 45 / 100);
}

TEST(words)
{
	char text[16];

	CHECK_STR(dns_type_text(DNS_TLSA, text), "TLSA");
	CHECK_STR(dns_type_text(65280, text), "TYPE65280");
	CHECK_STR(dns_rcode_text(DNS_NXDOMAIN, text), "NXDOMAIN");
	CHECK_STR(dns_rcode_text(16, text), "BADVERS");
	CHECK_STR(dns_rcode_text(4095, text), "RCODE4095");
	CHECK_STR(dns_type_text(DNS_CAA, text), "CAA");
	CHECK_STR(dns_type_text(99, text), "TYPE99"); /* SPF, which ldns knows */
}

/* Each number has a word of its own, whatever a library calls it. */
TEST(no_two_types_share_a_word)
{
	static char words[UINT16_MAX + 1][16];
	unsigned n_named = 0;

	for (unsigned type = 0; type <= UINT16_MAX; type++)
		n_named += strncmp(dns_type_text((uint16_t)type, words[type]), "TYPE", 4) != 0;
	CHECK_INT(n_named, 13);
	for (unsigned named = 0; named <= DNS_CAA; named++)
		for (unsigned type = named + 1; type <= UINT16_MAX; type++)
			if (strcmp(words[named], words[type]) == 0)
				TEST_FAIL("%u and %u are %s", named, type, words[type]);
}

TEST(serials)
{
	CHECK(dns_serial_is_behind(1, 2));
	CHECK(!dns_serial_is_behind(2, 2));
	CHECK(!dns_serial_is_behind(2, 1));
	CHECK(dns_serial_is_behind(UINT32_MAX, 0));
	CHECK(!dns_serial_is_behind(0, UINT32_MAX));
}
