/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_name.h"

#include <ldns/ldns.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "tests/test.h"

#define L63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define L61 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc"

static const struct {
	const char *text, *want;
} good[] = {
	{ "", "" },
	{ ".", "" },
	{ "com", "com" },
	{ "Example.COM.", "example.com" },
	{ "_acme-challenge.www.example.com", "_acme-challenge.www.example.com" },
	{ "*.example.com", "*.example.com" },
	{ "a/b.example", "a/b.example" },
	{ "-.example", "-.example" },
	{ "a\\.b.example", "a\\.b.example" },
	{ "a\\046b.example", "a\\.b.example" },
	{ "\\065.example", "a.example" },
	{ "a\\@b", "a\\@b" },
	{ "a@b", "a\\@b" },
	{ "a\\000b.\\255", "a\\000b.\\255" },
	{ "a\\032b", "a\\032b" },
	{ "b\xc3\xbc\x63her.example", "xn--bcher-kva.example" },
	{ "_25._tcp.B\xc3\xbc\x63her.example.", "_25._tcp.xn--bcher-kva.example" },
	{ L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61 },
	{ L63 "." L63 "." L63 "." L61 ".", L63 "." L63 "." L63 "." L61 },
};

TEST(canonical)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char out[DNS_NAME_LEN], twice[DNS_NAME_LEN];
		struct err err = ERR_INIT;

		CHECK_INT(dns_name_canonical(good[i].text, out, &err), 0);
		CHECK_STR(out, good[i].want);
		CHECK_INT(dns_name_canonical(out, twice, &err), 0);
		CHECK_STR(twice, out);
	}
}

static const struct {
	const char *text, *want;
} bad[] = {
	{ "..", "\"..\" has an empty label" },
	{ ".com", "\".com\" has an empty label" },
	{ "a..b", "\"a..b\" has an empty label" },
	{ "a.com..", "\"a.com..\" has an empty label" },
	{ "a b", "\"a b\" has a character that a name in DNS needs an escape for" },
	{ "a\tb", "\"a b\" has a character that a name in DNS needs an escape for" },
	{ "a\\", "\"a\\\" has a character that a name in DNS needs an escape for" },
	{ "a\\25", "\"a\\25\" has a character that a name in DNS needs an escape for" },
	{ "a\\256", "\"a\\256\" has a character that a name in DNS needs an escape for" },
	{ "a\\2x6", "\"a\\2x6\" has a character that a name in DNS needs an escape for" },
	{ "\xff.example", "the name is not UTF-8" },
	{ L63 "4", "\"" L63 "4\" has a label of more than 63 octets" },
};

TEST(refusals)
{
	char out[DNS_NAME_LEN];
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK_INT(dns_name_canonical(bad[i].text, out, &err), -1);
		CHECK_INT(err.code, ERR_BAD_VALUE);
		CHECK_STR(err.text, bad[i].want);
	}
	CHECK_INT(dns_name_canonical(L63 "." L63 "." L63 "." L61 "d", out, &err), -1);
	CHECK(strstr(err.text, "is longer than 253 octets"));
	CHECK_INT(dns_name_canonical(L63 "." L63 "." L63 "." L61 ".d", out, &err), -1);
	CHECK(strstr(err.text, "is longer than 253 octets"));
}

/* Every octet in every place comes back, and the longest text fits. */
TEST(octets)
{
	uint8_t wire[DNS_NAME_WIRE_MAX], again[DNS_NAME_WIRE_MAX];
	char text[DNS_NAME_LEN];

	for (unsigned c = 0; c < 256; c++) {
		size_t at = 0, n;

		for (unsigned label = 0; label < 4; label++) {
			n = label < 3 ? 63 : 61;
			wire[at] = (uint8_t)n;
			memset(wire + at + 1, (int)c, n);
			at += n + 1;
		}
		wire[at++] = 0;
		REQUIRE(at == sizeof(wire));
		dns_name_unpack(wire, true, text);
		CHECK(strlen(text) < DNS_NAME_LEN);
		dns_name_unpack(wire, false, text);
		CHECK_INT(dns_name_pack(text, again), sizeof(wire));
		if (c < 'A' || c > 'Z')
			CHECK(memcmp(again, wire, sizeof(wire)) == 0);
	}
}

/* ldns reads what we write as the octets that we mean. */
TEST(as_ldns_reads_it)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char *dotted AUTO_FREE = mem_printf("%s.", good[i].want);
		uint8_t wire[DNS_NAME_WIRE_MAX];
		size_t len = dns_name_pack(good[i].want, wire);
		ldns_rdf *rdf = NULL;

		REQUIRE(ldns_str2rdf_dname(&rdf, dotted) == LDNS_STATUS_OK);
		CHECK_INT(ldns_rdf_size(rdf), len);
		CHECK(memcmp(ldns_rdf_data(rdf), wire, len) == 0);
		ldns_rdf_deep_free(rdf);
	}
}

static const struct {
	const char *name, *domain;
	bool want;
} below[] = {
	{ "", "", true },
	{ "com", "", true },
	{ "", "com", false },
	{ "example.com", "example.com", true },
	{ "www.example.com", "example.com", true },
	{ "example.com", "www.example.com", false },
	{ "badexample.com", "example.com", false },
	{ "a\\.example.com", "example.com", false },
	{ "a\\\\.example.com", "example.com", true },
	{ "a\\.b.example.com", "b.example.com", false },
};

TEST(is_below)
{
	for (size_t i = 0; i < ARRAY_LEN(below); i++)
		if (dns_name_is_below(below[i].name, below[i].domain) != below[i].want)
			TEST_FAIL("%s below %s", below[i].name, below[i].domain);
}

TEST(parent)
{
	CHECK_STR(dns_name_parent("a.b.c"), "b.c");
	CHECK_STR(dns_name_parent("a\\.b.c"), "c");
	CHECK_STR(dns_name_parent("c"), "");
	CHECK(dns_name_parent("") == NULL);
}

/* Offsets begin behind a header of 12 octets. */
static const struct {
	const char *octets;
	size_t len, at, behind; /* behind 0: no name */
	const char *want;
} reads[] = {
	{ "\1a\1B\0", 5, 0, 5, "a.b" }, { "\0", 1, 0, 1, "" },
	{ "\1a\0\1b\xc0\x0c", 7, 3, 7, "b.a" }, { "\1a\0\xc0\x0c\xc0\x0f", 7, 5, 7, "a" },
	{ "", 0, 0, 0, NULL }, { "\1a", 2, 0, 0, NULL }, { "\2a", 2, 0, 0, NULL },
	{ "\1a\xc0", 3, 0, 0, NULL }, { "\x40", 1, 0, 0, NULL }, { "\x80\0", 2, 0, 0, NULL },
	{ "\xc0\x0c", 2, 0, 0, NULL },        /* itself */
	{ "\xc0\x0e\0", 3, 0, 0, NULL },      /* forwards */
	{ "\1a\xc0\x0c", 4, 0, 0, NULL },     /* a circle */
	{ "\1a\0\xc0\x00", 5, 3, 0, NULL },   /* into the header */
	{ "\1a\0\xc0\x0f\0", 6, 3, 0, NULL }, /* its own pointer */
};

TEST(reads)
{
	for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
		uint8_t *message AUTO_FREE = mem_zalloc(12 + reads[i].len);
		uint8_t wire[DNS_NAME_WIRE_MAX];
		char text[DNS_NAME_LEN];
		size_t pos = 12 + reads[i].at, len;

		memcpy(message + 12, reads[i].octets, reads[i].len);
		len = dns_name_read(message, 12 + reads[i].len, &pos, wire);
		if ((len != 0) != (reads[i].want != NULL))
			TEST_FAIL("row %zu", i);
		if (!len || !reads[i].want)
			continue;
		CHECK_INT(pos, 12 + reads[i].behind);
		dns_name_unpack(wire, false, text);
		CHECK_STR(text, reads[i].want);
	}
}

/* A chain of pointers is followed as far as an honest one can be long; a name no longer than 255 octets. */
TEST(read_bounds)
{
	uint8_t message[600] = { 0 }, wire[DNS_NAME_WIRE_MAX];
	size_t pos;

	for (size_t i = 1; i < 200; i++) {
		size_t to = 12 + 2 * (i - 1);

		message[12 + 2 * i] = (uint8_t)(0xc0 | to >> 8);
		message[13 + 2 * i] = (uint8_t)to;
	}
	pos = 12 + 2 * 127;
	CHECK_INT(dns_name_read(message, sizeof(message), &pos, wire), 1);
	pos = 12 + 2 * 128;
	CHECK_INT(dns_name_read(message, sizeof(message), &pos, wire), 0);
	memset(message, 1, sizeof(message));
	message[12 + 254] = 0;
	pos = 12;
	CHECK_INT(dns_name_read(message, sizeof(message), &pos, wire), 255);
	message[12 + 254] = 1;
	message[12 + 256] = 0;
	pos = 12;
	CHECK_INT(dns_name_read(message, sizeof(message), &pos, wire), 0);
}
