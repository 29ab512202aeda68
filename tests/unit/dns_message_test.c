/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_message.h"

#include <ldns/ldns.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "tests/test.h"

/* Messages are composed by ldns, with its compression, or octet by octet. */

static ldns_pkt *new_answer(void)
{
	ldns_pkt *pkt = ldns_pkt_new();
	ldns_rr *question = NULL;

	REQUIRE(ldns_rr_new_question_frm_str(
			&question, "wWw.eXample.com. IN TXT", NULL, NULL) == LDNS_STATUS_OK);
	ldns_pkt_push_rr(pkt, LDNS_SECTION_QUESTION, question);
	ldns_pkt_set_id(pkt, 0xbeef);
	ldns_pkt_set_qr(pkt, true);
	ldns_pkt_set_aa(pkt, true);
	return pkt;
}

static void push(ldns_pkt *pkt, ldns_pkt_section section, const char *text)
{
	ldns_rr *rr = NULL;

	REQUIRE(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) == LDNS_STATUS_OK);
	ldns_pkt_push_rr(pkt, section, rr);
}

static void take(ldns_pkt *pkt, struct buf *out)
{
	uint8_t *wire = NULL;
	size_t len;

	REQUIRE(ldns_pkt2wire(&wire, pkt, &len) == LDNS_STATUS_OK);
	buf_clear(out);
	buf_add(out, wire, len);
	free(wire);
	ldns_pkt_free(pkt);
}

static const struct row {
	const char *rr, *text, *target, *txt;
	uint16_t type;
} rows[] = {
	{ "a.example.com. 60 IN A 192.0.2.1", "192.0.2.1", NULL, NULL, DNS_A },
	{ "a.example.com. 60 IN AAAA 2001:db8::1", "2001:db8::1", NULL, NULL, DNS_AAAA },
	{ "example.com. 60 IN NS Ns1.Example.COM.", "ns1.example.com.", "ns1.example.com", NULL,
		DNS_NS },
	{ "c.example.com. 60 IN CNAME a.example.com.", "a.example.com.", "a.example.com", NULL,
		DNS_CNAME },
	{ "d.example.com. 60 IN DNAME example.net.", "example.net.", "example.net", NULL,
		DNS_DNAME },
	{ "example.com. 60 IN MX 10 mx.example.com.", "10 mx.example.com.", "mx.example.com",
		NULL, DNS_MX },
	{ "example.com. 60 IN MX 0 .", "0 .", "", NULL, DNS_MX },
	{ "example.com. 60 IN SOA ns.example.com. root.example.com. 4294967295 1 2 3600000 5",
		"ns.example.com. root.example.com. 4294967295 1 2 3600000 5", "ns.example.com",
		NULL, DNS_SOA },
	{ "example.com. 60 IN TXT \"one\" \"two \\\" \\009\"", "\"one\" \"two \\\" \\009\"",
		NULL, "onetwo \" \t", DNS_TXT },
	{ "example.com. 60 IN TXT \"\"", "\"\"", NULL, "", DNS_TXT },
	{ "_25._tcp.example.com. 60 IN TLSA 3 1 1 00ff", "3 1 1 00ff", NULL, NULL, DNS_TLSA },
	{ "example.com. 60 IN CAA 128 IssueWild \"ca.example; x=y\"",
		"128 IssueWild \"ca.example; x=y\"", NULL, NULL, DNS_CAA },
	{ "example.com. 60 IN DS 1 8 2 00ff", "1 8 2 00ff", NULL, NULL, DNS_DS },
	{ "example.com. 60 IN DNSKEY 257 3 15 AQID", "257 3 15 AQID", NULL, NULL, DNS_DNSKEY },
	{ "example.com. 60 IN RRSIG TLSA 13 2 60 20261201000000 20261101000000 7 example.com. "
	  "AQID",
		"TLSA 13 2 60 20261201000000 20261101000000 7 example.com. AQID", NULL, NULL,
		DNS_RRSIG },
	{ "example.com. 60 IN SSHFP 4 2 00ff", "\\# 4 040200ff", NULL, NULL, 44 },
	{ "example.com. 60 IN TYPE65280 \\# 0", "\\# 0", NULL, NULL, 65280 },
};

TEST(records)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message message;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = new_answer();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		push(pkt, LDNS_SECTION_ANSWER, rows[i].rr);
	take(pkt, &wire);
	REQUIRE(dns_message_read(wire.data, wire.len, &message, &err) == 0);
	CHECK_INT(message.id, 0xbeef);
	CHECK(message.is_answer && message.is_authoritative);
	CHECK(!message.is_truncated && !message.is_authentic && !message.has_edns);
	CHECK_INT(message.rcode, DNS_NOERROR);
	CHECK_STR(message.question, "www.example.com");
	CHECK_STR(message.question_as_sent, "wWw.eXample.com");
	CHECK_INT(message.question_type, DNS_TXT);
	CHECK_INT(message.question_class, 1);
	REQUIRE(message.n_records == ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct dns_record *r = &message.records[i];

		CHECK_INT(r->type, rows[i].type);
		CHECK_INT(r->ttl, 60);
		CHECK_INT(r->section, DNS_ANSWER);
		CHECK_STR(r->text, rows[i].text);
		CHECK_INT(r->target != NULL, rows[i].target != NULL);
		if (rows[i].target)
			CHECK_STR(r->target, rows[i].target);
		CHECK_INT(r->txt != NULL, rows[i].txt != NULL);
		if (rows[i].txt) {
			CHECK_STR(r->txt, rows[i].txt);
			CHECK_INT(r->txt_len, strlen(rows[i].txt));
		}
	}
	CHECK(memcmp(message.records[0].address, "\xc0\0\2\1", 4) == 0);
	CHECK(memcmp(message.records[1].address, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16) ==
		0);
	CHECK_INT(message.records[5].preference, 10);
	CHECK_INT(message.records[7].soa.serial, UINT32_MAX);
	CHECK_INT(message.records[7].soa.expire, 3600000);
	CHECK_INT(message.records[7].soa.minimum, 5);
	CHECK_INT(message.records[11].caa.flags, 128);
	CHECK_STR(message.records[11].caa.tag, "issuewild");
	CHECK_STR(message.records[11].caa.value, "ca.example; x=y");
	CHECK_INT(message.records[14].covered, DNS_TLSA);
	dns_message_done(&message);
	dns_message_done(&message);
}

/* RDATA is what ldns has without compression and in canonical form. */
TEST(rdata_as_of_ldns)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message message;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = new_answer(), *parsed = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		push(pkt, LDNS_SECTION_ANSWER, rows[i].rr);
	take(pkt, &wire);
	REQUIRE(dns_message_read(wire.data, wire.len, &message, &err) == 0);
	REQUIRE(ldns_wire2pkt(&parsed, (uint8_t *)wire.data, wire.len) == LDNS_STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ldns_buffer *buffer = ldns_buffer_new(65535);
		ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(parsed), i);

		ldns_rr2canonical(rr);
		ldns_rr_rdata2buffer_wire(buffer, rr);
		CHECK_INT(message.records[i].len, ldns_buffer_position(buffer));
		CHECK(memcmp(message.records[i].data, ldns_buffer_begin(buffer),
			      message.records[i].len) == 0);
		ldns_buffer_free(buffer);
	}
	ldns_pkt_free(parsed);
	dns_message_done(&message);
}

TEST(find)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message message;
	const struct dns_record *r;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = new_answer();

	push(pkt, LDNS_SECTION_ANSWER, "a.example. 1 IN TXT \"1\"");
	push(pkt, LDNS_SECTION_ANSWER, "b.example. 1 IN TXT \"2\"");
	push(pkt, LDNS_SECTION_ANSWER, "A.Example. 1 CH TXT \"3\"");
	push(pkt, LDNS_SECTION_ANSWER, "A.Example. 1 IN TXT \"4\"");
	push(pkt, LDNS_SECTION_AUTHORITY, "a.example. 1 IN TXT \"5\"");
	push(pkt, LDNS_SECTION_ADDITIONAL, "a.example. 1 IN A 192.0.2.1");
	take(pkt, &wire);
	REQUIRE(dns_message_read(wire.data, wire.len, &message, &err) == 0);
	r = dns_message_find(&message, DNS_ANSWER, DNS_TXT, "a.example", NULL);
	REQUIRE(r);
	CHECK_STR(r->txt, "1");
	r = dns_message_find(&message, DNS_ANSWER, DNS_TXT, "a.example", r);
	REQUIRE(r);
	CHECK_STR(r->txt, "4");
	CHECK(!dns_message_find(&message, DNS_ANSWER, DNS_TXT, "a.example", r));
	r = dns_message_find(&message, DNS_ANSWER, DNS_TXT, NULL, NULL);
	r = dns_message_find(&message, DNS_ANSWER, DNS_TXT, NULL, r);
	REQUIRE(r);
	CHECK_STR(r->owner, "b.example");
	r = dns_message_find(&message, DNS_AUTHORITY, DNS_TXT, "a.example", NULL);
	CHECK(r && strcmp(r->txt, "5") == 0);
	CHECK(dns_message_find(&message, DNS_ADDITIONAL, DNS_A, "a.example", NULL));
	CHECK(!dns_message_find(&message, DNS_AUTHORITY, DNS_A, "a.example", NULL));
	dns_message_done(&message);
}

TEST(edns)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message message;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = new_answer();

	ldns_pkt_set_rcode(pkt, 1);
	ldns_pkt_set_ad(pkt, true);
	ldns_pkt_set_edns_udp_size(pkt, 1232);
	ldns_pkt_set_edns_extended_rcode(pkt, 2);
	take(pkt, &wire);
	REQUIRE(dns_message_read(wire.data, wire.len, &message, &err) == 0);
	CHECK(message.has_edns && message.is_authentic);
	CHECK_INT(message.rcode, 33);
	CHECK_INT(message.n_records, 0);
	dns_message_done(&message);
	/* A second one, behind it. */
	wire.data[11] = 2;
	buf_add(&wire, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
	CHECK_INT(dns_message_read(wire.data, wire.len, &message, &err), -1);
	CHECK_STR(err.text, "the DNS message has two OPT records");
}

/* Every shorter piece of a message is none, and a longer one neither. */
TEST(cut)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message message;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = new_answer();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		push(pkt, LDNS_SECTION_ANSWER, rows[i].rr);
	take(pkt, &wire);
	for (size_t n = 0; n < wire.len; n++) {
		char *piece AUTO_FREE = mem_zalloc(n ? n : 1);

		memcpy(piece, wire.data, n);
		if (dns_message_read(piece, n, &message, &err) == 0)
			TEST_FAIL("%zu octets are a message", n);
	}
	buf_add_char(&wire, 0);
	CHECK_INT(dns_message_read(wire.data, wire.len, &message, &err), -1);
	CHECK_STR(err.text, "the DNS message has octets behind its end");
}

/* Of a truncated one the rest is not looked at. */
TEST(truncated)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message message;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = new_answer();

	ldns_pkt_set_tc(pkt, true);
	push(pkt, LDNS_SECTION_ANSWER, rows[0].rr);
	take(pkt, &wire);
	REQUIRE(dns_message_read(wire.data, wire.len - 3, &message, &err) == 0);
	CHECK(message.is_truncated);
	CHECK_STR(message.question, "www.example.com");
	CHECK_INT(message.n_records, 0);
	dns_message_done(&message);
}

TEST(header_alone)
{
	struct dns_message message;
	struct err err = ERR_INIT;

	REQUIRE(dns_message_read("\1\2\x81\5\0\0\0\0\0\0\0\0", 12, &message, &err) == 0);
	CHECK(message.question == NULL && message.question_as_sent == NULL);
	CHECK_INT(message.id, 0x0102);
	CHECK_INT(message.rcode, DNS_REFUSED);
	dns_message_done(&message);
}

/* One record behind a header: TYPE, RDATA. */
static int read_one(uint16_t type, uint32_t ttl, const char *rdata, size_t len,
	struct dns_message *out, struct err *err)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	uint8_t fixed[] = { 0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1, (uint8_t)(ttl >> 24),
		(uint8_t)(ttl >> 16), (uint8_t)(ttl >> 8), (uint8_t)ttl, (uint8_t)(len >> 8),
		(uint8_t)len };

	buf_add(&wire, "\0\0\x80\0\0\0\0\1\0\0\0\0", 12);
	buf_add(&wire, fixed, sizeof(fixed));
	buf_add(&wire, rdata, len);
	return dns_message_read(wire.data, wire.len, out, err);
}

static const struct {
	uint16_t type;
	const char *rdata;
	size_t len;
} malformed[] = {
	{ DNS_A, "", 0 },
	{ DNS_A, "abc", 3 },
	{ DNS_A, "abcde", 5 },
	{ DNS_AAAA, "0123456789abcde", 15 },
	{ DNS_AAAA, "0123456789abcdef0", 17 },
	{ DNS_NS, "", 0 },
	{ DNS_NS, "\1a", 2 },
	{ DNS_NS, "\1a\0x", 4 },
	{ DNS_CNAME, "\xc0\x17", 2 },
	{ DNS_CNAME, "\xc0\x0b", 2 },
	{ DNS_MX, "\0", 1 },
	{ DNS_MX, "\0\1", 2 },
	{ DNS_SOA,
		"\0\0"
		"0123456789012345678",
		21 },
	{ DNS_SOA,
		"\0\0"
		"012345678901234567890",
		23 },
	{ DNS_TXT, "", 0 },
	{ DNS_TXT, "\2a", 2 },
	{ DNS_TXT, "\1ab", 3 },
	{ DNS_TXT, "\1a\1", 3 },
	{ DNS_TLSA, "\3\1\1", 3 },
	{ DNS_DS, "\0\1\2\3", 4 },
	{ DNS_RRSIG, "0123456789012345678", 18 },
	{ DNS_RRSIG,
		"012345678901234567\xc0\x0c"
		"abc",
		23 },
};

TEST(malformed_records)
{
	struct dns_message message;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		if (read_one(malformed[i].type, 1, malformed[i].rdata, malformed[i].len,
			    &message, &err) == 0)
			TEST_FAIL("row %zu is a record: %s", i, message.records[0].text);
		CHECK_INT(err.code, ERR_BAD_VALUE);
		CHECK_STR(err.text, "the DNS message has a malformed record");
	}
}

static const struct {
	const char *rdata;
	size_t len;
	const char *tag, *value; /* NULL: malformed */
	uint8_t flags;
} caas[] = {
	{ "\0\5issueca.example", 17, "issue", "ca.example", 0 },
	{ "\x80\5ISSUE", 7, "issue", "", 128 },
	{ "\0\5issue;", 8, "issue", ";", 0 },
	{ "\0\1x\"\\\n", 6, "x", "\"\\\n", 0 },
	{ "", 0, NULL, NULL, 0 },
	{ "\x80", 1, NULL, NULL, 128 },
	{ "\x80\0", 2, NULL, NULL, 128 },
	{ "\x80\5issu", 6, NULL, NULL, 128 },
	{ "\0\5iss-e;", 8, NULL, NULL, 0 },
	{ "\0\5issuea\0b", 10, NULL, NULL, 0 },
};

TEST(caa)
{
	struct dns_message message;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(caas); i++) {
		REQUIRE(read_one(DNS_CAA, 1, caas[i].rdata, caas[i].len, &message, &err) == 0);
		CHECK_INT(message.records[0].caa.flags, caas[i].flags);
		CHECK_INT(message.records[0].caa.is_malformed, !caas[i].tag);
		if (caas[i].tag) {
			CHECK_STR(message.records[0].caa.tag, caas[i].tag);
			CHECK_STR(message.records[0].caa.value, caas[i].value);
		} else {
			CHECK(strncmp(message.records[0].text, "\\# ", 3) == 0);
		}
		dns_message_done(&message);
	}
}

TEST(ttl_with_highest_bit)
{
	struct dns_message message;
	struct err err = ERR_INIT;

	REQUIRE(read_one(DNS_A, UINT32_C(0x80000001), "abcd", 4, &message, &err) == 0);
	CHECK_INT(message.records[0].ttl, 0);
	dns_message_done(&message);
	REQUIRE(read_one(DNS_A, INT32_MAX, "abcd", 4, &message, &err) == 0);
	CHECK_INT(message.records[0].ttl, INT32_MAX);
	dns_message_done(&message);
}

/* Counts that promise more than is there, or may be there. */
TEST(counts)
{
	struct dns_message message;
	struct err err = ERR_INIT;
	struct buf wire AUTO_BUF = BUF_INIT;

	CHECK_INT(dns_message_read("\0\0\x80\0\0\0\3\xe8\0\0\0\0", 12, &message, &err), -1);
	CHECK_INT(
		dns_message_read("\0\0\x80\0\0\0\xff\xff\xff\xff\xff\xff", 12, &message, &err),
		-1);
	CHECK_STR(err.text, "the DNS message has more than 1000 records");
	CHECK_INT(dns_message_read(
			  "\0\0\x80\0\0\2\0\0\0\0\0\0\0\0\1\0\1\0\0\1\0\1", 22, &message, &err),
		-1);
	CHECK_STR(err.text, "the DNS message has more than one question");
	buf_add(&wire, "\0\0\x80\0\0\0\3\xe8\0\0\0\0", 12);
	for (size_t i = 0; i < 1000; i++)
		buf_add(&wire, "\0\0\1\0\1\0\0\0\0\0\4abcd", 15);
	REQUIRE(dns_message_read(wire.data, wire.len, &message, &err) == 0);
	CHECK_INT(message.n_records, 1000);
	dns_message_done(&message);
}

/* A survey of a thousand zones holds six thousand of them at a time. */
TEST(small_answers_take_little_memory)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_message message;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = new_answer();

	push(pkt, LDNS_SECTION_ANSWER, "www.example.com. 60 IN TXT \"value\"");
	push(pkt, LDNS_SECTION_AUTHORITY, "example.com. 60 IN NS ns1.example.com.");
	push(pkt, LDNS_SECTION_AUTHORITY, "example.com. 60 IN NS ns2.example.com.");
	take(pkt, &wire);
	REQUIRE(dns_message_read(wire.data, wire.len, &message, &err) == 0);
	CHECK_INT(message.n_records, 3);
	CHECK(((struct arena *)message.memory)->total < 2048);
	dns_message_done(&message);
}
