/* SPDX-License-Identifier: MIT */
#include "lib/wire/name.h"

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/wire/dns_name.h"
#include "tests/test.h"

static const struct {
	const char *text, *want;
} good[] = {
	{ "example.com", "example.com" },
	{ "Example.COM", "example.com" },
	{ "example.com.", "example.com" },
	{ "localhost", "localhost" },
	{ "*.example.com", "*.example.com" },
	{ "*.B\xc3\xbc\x63her.example", "*.xn--bcher-kva.example" },
	{ "b\xc3\xbc\x63her.example", "xn--bcher-kva.example" },
	{ "XN--BCHER-KVA.example", "xn--bcher-kva.example" },
	/* Non-transitional: the sharp s stays itself, it does not become "ss". */
	{ "fa\xc3\x9f.de", "xn--fa-hia.de" },
	{ "1.example", "1.example" },
	{ "3com.example", "3com.example" },
	{ "192.0.2.10", "192.0.2.10" },
	{ "2001:DB8:0:0::10", "2001:db8::10" },
	{ "::1", "::1" },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
};

TEST(canonical)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char out[NAME_MAX_LEN];
		struct err err = ERR_INIT;

		CHECK_INT(name_canonical(good[i].text, out, &err), 0);
		CHECK_STR(out, good[i].want);
	}
}

static const struct {
	const char *text, *want;
} bad[] = {
	{ "", "an empty text is not a name" },
	{ ".", "\".\" has an empty label" },
	{ "a..b", "\"a..b\" has an empty label" },
	{ ".example.com", "\".example.com\" has an empty label" },
	{ "example.com..", "\"example.com..\" has an empty label" },
	{ "bad name", "\"bad name\" is not a DNS name or an IP address" },
	{ "under_score.example", "\"under_score.example\" is not a DNS name or an IP address" },
	{ "-a.example", "\"-a.example\" has a label that begins or ends with a hyphen" },
	{ "a-.example", "\"a-.example\" has a label that begins or ends with a hyphen" },
	{ "192.0.2.256", "\"192.0.2.256\" is not a DNS name or an IP address" },
	{ "192.0.2", "\"192.0.2\" is not a DNS name or an IP address" },
	{ "[::1]", "\"[::1]\" is not a DNS name or an IP address" },
	{ "fe80::1%eth0", "\"fe80::1%eth0\" is not a DNS name or an IP address" },
	{ "*", "\"*\" has a wildcard that is not the whole first label" },
	{ "*.", "\"*.\" is not a DNS name or an IP address" },
	{ "a.*.example", "\"a.*.example\" has a wildcard that is not the whole first label" },
	{ "a*.example", "\"a*.example\" has a wildcard that is not the whole first label" },
	{ "*.*.example", "\"*.*.example\" has a wildcard that is not the whole first label" },
	{ "*.192.0.2.1", "\"*.192.0.2.1\" is not a DNS name or an IP address" },
	{ "example.com:443", "\"example.com:443\" is not a DNS name or an IP address" },
	{ "example.com\n", "\"example.com \" is not a DNS name or an IP address" },
	{ "\xff.example", "the name is not UTF-8" },
};

TEST(refused)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char out[NAME_MAX_LEN] = "untouched";
		struct err err = ERR_INIT;

		CHECK_INT(name_canonical(bad[i].text, out, &err), -1);
		CHECK_STR(out, "untouched");
		CHECK_INT(err.code, ERR_BAD_VALUE);
		if (strcmp(err.text, bad[i].want) != 0 && !strchr(bad[i].text, '\n'))
			TEST_FAIL("%s, not %s", err.text, bad[i].want);
	}
}

TEST(lengths)
{
	char text[600], out[NAME_MAX_LEN];
	struct err err = ERR_INIT;

	memset(text, 'a', 63);
	strcpy(text + 63, ".de");
	CHECK_INT(name_canonical(text, out, &err), 0);
	memset(text, 'a', 64);
	strcpy(text + 64, ".de");
	CHECK_INT(name_canonical(text, out, &err), -1);
	for (size_t len = 240; len < 270; len++) {
		for (size_t i = 0; i < len; i++)
			text[i] = i % 50 == 49 ? '.' : 'x';
		text[len] = 0;
		if (text[len - 1] == '.')
			continue;
		CHECK_INT(name_canonical(text, out, &err), len <= 253 ? 0 : -1);
	}
}

TEST(bad_idn)
{
	static const char *const texts[] = { "xn--a.example", "xn--999999999.example",
		"\xd7\x90"
		"b1.example" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char out[NAME_MAX_LEN];
		struct err err = ERR_INIT;

		if (name_canonical(texts[i], out, &err) == 0)
			TEST_FAIL("%s became %s", texts[i], out);
		else
			CHECK(strstr(err.text, "is not a valid international name"));
	}
}

TEST(questions)
{
	unsigned char bytes[16];

	CHECK(name_is_ip("192.0.2.10"));
	CHECK(name_is_ip("2001:db8::10"));
	CHECK(!name_is_ip("example.com"));
	CHECK(name_is_wildcard("*.example.com"));
	CHECK(!name_is_wildcard("example.com"));
	CHECK_INT(name_ip_bytes("192.0.2.10", bytes), 4);
	CHECK_INT(bytes[3], 10);
	CHECK_INT(name_ip_bytes("::1", bytes), 16);
	CHECK_INT(bytes[15], 1);
	CHECK_INT(name_ip_bytes("a.example", bytes), 0);
}

/* Signs that the rules of international names leave out may be all there is. */
TEST(a_text_that_maps_to_nothing_is_no_name)
{
	static const char *const texts[] = { "\u034f", "*.\u034f", "\u00ad", "\u200b\u200b",
		"\u034f.de" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char out[NAME_MAX_LEN], dns[DNS_NAME_LEN];
		struct err err = ERR_INIT;

		CHECK_INT(name_canonical(texts[i], out, &err), -1);
		CHECK(err.text[0]);
		/* For DNS the asterisk is a label like others. */
		if (texts[i][0] == '*')
			continue;
		CHECK_INT(dns_name_canonical(texts[i], dns, &err), -1);
	}
}

/* With "*." a name has 253 octets as well, as the records that prove it have to. */
TEST(wildcards_have_the_length_of_names)
{
	for (size_t last = 57; last <= 61; last++) {
		char text[NAME_MAX_LEN + 8], out[NAME_MAX_LEN];
		struct err err = ERR_INIT;

		snprintf(text, sizeof(text), "*.%063d.%063d.%063d.a%0*d", 0, 0, 0,
			(int)last - 1, 0);
		CHECK_INT(name_canonical(text, out, &err), strlen(text) <= 253 ? 0 : -1);
		if (strlen(text) > 253)
			CHECK(strstr(err.text, "is longer than 253 octets"));
	}
}
