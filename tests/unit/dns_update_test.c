/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_update.h"

#include <ldns/ldns.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/crypt/jws.h"
#include "lib/crypt/secret.h"
#include "lib/wire/dns_message.h"
#include "tests/test.h"

/* Our updates as ldns takes them apart, and our signatures as it verifies them. */

#define SECRET_TEXT                                                                            \
	"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* the octets 0..9a..f, twice */
#define ZONE "dyn.example"

static const struct instant now = { 1790000000 };

static void fill(struct secret *secret)
{
	secret_add(secret, "0123456789abcdef0123456789abcdef", 32);
}

static const struct dns_change changes[] = {
	{ "_acme-challenge.www.dyn.example", DNS_TXT, 60, "\"value one\"", false },
	{ "_acme-challenge.www.dyn.example", DNS_TXT, 60, "\"value-two\"", false },
	{ "_acme-challenge.dyn.example", DNS_TXT, 60, "\"gone\"", true },
	{ "_25._tcp.dyn.example", DNS_TLSA, 300, "3 1 1 00ff", false },
	{ "dyn.example", 65280, 1, "\\# 2 0102", false },
	{ "alias.dyn.example", DNS_CNAME, 1, "a.example.", false },
};

static void check_list(const ldns_rr_list *list, const char *const *want, size_t n)
{
	CHECK_INT(ldns_rr_list_rr_count(list), n);
	for (size_t i = 0; i < n && i < ldns_rr_list_rr_count(list); i++) {
		char *text = ldns_rr2str(ldns_rr_list_rr(list, i));

		CHECK_STR(text, want[i]);
		free(text);
	}
}

TEST(message)
{
	static const char *const zone[] = { "dyn.example.\tIN\tSOA\n" };
	static const char *const demands[] = {
		"_acme-challenge.www.dyn.example.\t0\tNONE\tCNAME\t\\# 0\n",
		"_25._tcp.dyn.example.\t0\tNONE\tCNAME\t\\# 0\n",
		"dyn.example.\t0\tNONE\tCNAME\t\\# 0\n",
	};
	static const char *const wanted[] = {
		"_acme-challenge.www.dyn.example.\t60\tIN\tTXT\t\"value one\"\n",
		"_acme-challenge.www.dyn.example.\t60\tIN\tTXT\t\"value-two\"\n",
		"_acme-challenge.dyn.example.\t0\tNONE\tTXT\t\"gone\"\n",
		"_25._tcp.dyn.example.\t300\tIN\tTLSA\t3 1 1 00ff\n",
		"dyn.example.\t1\tIN\tTYPE65280\t\\# 2 0102\n",
		"alias.dyn.example.\t1\tIN\tCNAME\ta.example.\n",
	};
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_update_sent sent;
	struct err err = ERR_INIT;
	ldns_pkt *pkt = NULL;

	REQUIRE(dns_update_make(
			ZONE, changes, ARRAY_LEN(changes), NULL, now, &wire, &sent, &err) == 0);
	CHECK_INT(sent.mac_len, 0);
	REQUIRE(ldns_wire2pkt(&pkt, (uint8_t *)wire.data, wire.len) == LDNS_STATUS_OK);
	CHECK_INT(ldns_pkt_get_opcode(pkt), LDNS_PACKET_UPDATE);
	CHECK_INT(ldns_pkt_id(pkt), sent.id);
	CHECK(!ldns_pkt_qr(pkt));
	CHECK(!ldns_pkt_rd(pkt));
	CHECK(!ldns_pkt_edns(pkt));
	CHECK(memcmp(wire.data + 2, "\x28\0", 2) == 0);
	check_list(ldns_pkt_question(pkt), zone, ARRAY_LEN(zone));
	check_list(ldns_pkt_answer(pkt), demands, ARRAY_LEN(demands));
	check_list(ldns_pkt_authority(pkt), wanted, ARRAY_LEN(wanted));
	CHECK_INT(ldns_rr_list_rr_count(ldns_pkt_additional(pkt)), 0);
	CHECK(ldns_pkt_tsig(pkt) == NULL);
	ldns_pkt_free(pkt);
}

/* Nothing is there twice by chance. */
TEST(ids_differ)
{
	struct buf one AUTO_BUF = BUF_INIT;
	struct dns_update_sent a, b, c;
	struct err err = ERR_INIT;

	CHECK_INT(dns_update_make(ZONE, changes, 1, NULL, now, &one, &a, &err), 0);
	CHECK_INT(dns_update_make(ZONE, changes, 1, NULL, now, &one, &b, &err), 0);
	CHECK_INT(dns_update_make(ZONE, changes, 1, NULL, now, &one, &c, &err), 0);
	CHECK(a.id != b.id || b.id != c.id);
}

/* ldns 1.8.3 knows neither hmac-sha224 nor, by a slip, hmac-sha384. */
static const char *const known[] = { "hmac-sha256", "hmac-sha512" };

static ldns_pkt *make_signed(const struct tsig_key *key, struct instant when, struct buf *wire,
	struct dns_update_sent *sent)
{
	struct err err = ERR_INIT;
	ldns_pkt *pkt = NULL;

	REQUIRE(dns_update_make(
			ZONE, changes, ARRAY_LEN(changes), key, when, wire, sent, &err) == 0);
	REQUIRE(ldns_wire2pkt(&pkt, (uint8_t *)wire->data, wire->len) == LDNS_STATUS_OK);
	REQUIRE(ldns_pkt_tsig(pkt));
	return pkt;
}

TEST(ldns_verifies)
{
	struct secret secret AUTO_SECRET = SECRET_INIT;

	fill(&secret);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct tsig_key key = { "certd-key.example", known[i], &secret };
		struct buf wire AUTO_BUF = BUF_INIT;
		struct dns_update_sent sent;
		ldns_pkt *pkt = make_signed(&key, now, &wire, &sent);

		CHECK(ldns_pkt_tsig_verify(pkt, (uint8_t *)wire.data, wire.len,
			"certd-key.example.", SECRET_TEXT, NULL));
		CHECK(!ldns_pkt_tsig_verify(pkt, (uint8_t *)wire.data, wire.len,
			"certd-key.example.", "AAAA", NULL));
		wire.data[wire.len / 2] ^= 1;
		CHECK(!ldns_pkt_tsig_verify(pkt, (uint8_t *)wire.data, wire.len,
			"certd-key.example.", SECRET_TEXT, NULL));
		ldns_pkt_free(pkt);
	}
}

/* What ldns signs as a server would, we believe. */
TEST(ldns_answers)
{
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct instant today = { time(NULL) };

	fill(&secret);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct tsig_key key = { "certd-key.example", known[i], &secret };
		struct buf wire AUTO_BUF = BUF_INIT;
		struct dns_update_sent sent;
		struct dns_update_answer answer;
		struct err err = ERR_INIT;
		ldns_pkt *pkt = make_signed(&key, today, &wire, &sent), *reply = ldns_pkt_new();
		char *algorithm AUTO_FREE = mem_printf("%s.", known[i]);
		uint8_t *out = NULL;
		size_t len;

		ldns_pkt_set_id(reply, sent.id);
		ldns_pkt_set_qr(reply, true);
		ldns_pkt_set_opcode(reply, LDNS_PACKET_UPDATE);
		REQUIRE(ldns_pkt_tsig_sign(reply, "certd-key.example.", SECRET_TEXT, 300,
				algorithm,
				ldns_rr_rdf(ldns_pkt_tsig(pkt), 3)) == LDNS_STATUS_OK);
		REQUIRE(ldns_pkt2wire(&out, reply, &len) == LDNS_STATUS_OK);
		REQUIRE(dns_update_answer_read(out, len, &answer, &err) == 0);
		CHECK(answer.is_signed);
		CHECK_STR(answer.algorithm, known[i]);
		CHECK_STR(answer.key_name, "certd-key.example");
		CHECK_INT(dns_update_judge(&answer, &sent, &key, ZONE, today, &err), 0);
		if (err_is_set(&err))
			TEST_FAIL("%s", err.text);
		sent.mac[0] ^= 1;
		CHECK_INT(dns_update_judge(&answer, &sent, &key, ZONE, today, &err), -1);
		CHECK_STR(err.text, "the answer to the update of the zone dyn.example proves "
				    "nothing: its signature is wrong");
		dns_update_answer_done(&answer);
		ldns_pkt_free(pkt);
		ldns_pkt_free(reply);
		free(out);
	}
}

static const struct {
	const char *zone;
	struct dns_change change;
	const char *want;
} bad[] = {
	{ "dyn.example", { "www.example", DNS_TXT, 1, "\"x\"", false },
		"\"www.example\" does not lie in the zone dyn.example" },
	{ "dyn.example", { "adyn.example", DNS_TXT, 1, "\"x\"", false },
		"\"adyn.example\" does not lie in the zone dyn.example" },
	{ "dyn.example", { "a..dyn.example", DNS_TXT, 1, "\"x\"", false },
		"the record \"a..dyn.example \"x\"\" has an owner that is no name" },
	{ "dyn..example", { "dyn.example", DNS_TXT, 1, "\"x\"", false },
		"\"dyn..example\" is not the name of a zone" },
	{ "dyn.example", { "dyn.example", DNS_TXT, 1, "\"x\"\n\"y\"", false },
		"the record \"dyn.example \"x\" \"y\"\" has a character that no zone file can "
		"have" },
	{ "dyn.example", { "dyn.example", DNS_TXT, UINT32_C(1) << 31, "\"x\"", false },
		"the record \"dyn.example \"x\"\" has a TTL above 2147483647" },
	{ "dyn.example", { "dyn.example", DNS_TXT, 1, "", false }, NULL },
	{ "dyn.example", { "dyn.example", DNS_TXT, 1, "", true }, NULL },
	{ "dyn.example", { "dyn.example", DNS_TXT, 1, "; x", true }, NULL },
	{ "dyn.example", { "dyn.example", DNS_A, 1, "192.0.2", false }, NULL },
	{ "dyn.example", { "dyn.example", DNS_TLSA, 1, "3 1 1", false }, NULL },
};

TEST(refusals)
{
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_update_sent sent;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (dns_update_make(
			    bad[i].zone, &bad[i].change, 1, NULL, now, &wire, &sent, &err) == 0)
			TEST_FAIL("row %zu is a change", i);
		CHECK_INT(err.code, ERR_BAD_VALUE);
		if (bad[i].want)
			CHECK_STR(err.text, bad[i].want);
	}
	CHECK_INT(dns_update_make(
			  ZONE, changes, DNS_UPDATE_MAX + 1, NULL, now, &wire, &sent, &err),
		-1);
	CHECK_STR(err.text,
		"an update of the zone dyn.example has 1001 changes, not at most 1000");
	CHECK_INT(wire.len, 0);
}

TEST(unfit_keys)
{
	struct secret secret AUTO_SECRET = SECRET_INIT, empty AUTO_SECRET = SECRET_INIT;
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_update_sent sent;
	struct err err = ERR_INIT;
	struct tsig_key key = { "key", "hmac-md5.sig-alg.reg.int", &secret };

	fill(&secret);
	CHECK_INT(dns_update_make(ZONE, changes, 1, &key, now, &wire, &sent, &err), -1);
	CHECK_STR(err.text, "\"hmac-md5.sig-alg.reg.int\" is not a TSIG algorithm");
	key = (struct tsig_key){ "a..b", "hmac-sha256", &secret };
	CHECK_INT(dns_update_make(ZONE, changes, 1, &key, now, &wire, &sent, &err), -1);
	CHECK_STR(err.text, "\"a..b\" is not the name of a TSIG key");
	key = (struct tsig_key){ "key", "hmac-sha256", &empty };
	CHECK_INT(dns_update_make(ZONE, changes, 1, &key, now, &wire, &sent, &err), -1);
	CHECK_STR(err.text, "the key of a MAC is empty");
	CHECK_INT(wire.len, 0);
}

/* As many as there may be, and as long as it may be. */
TEST(bounds)
{
	static struct dns_change many[DNS_UPDATE_MAX + 1];
	static char owners[DNS_UPDATE_MAX + 1][64];
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct tsig_key key = { "key", "hmac-sha384", &secret };
	struct buf wire AUTO_BUF = BUF_INIT;
	struct dns_update_sent sent;
	struct dns_message message;
	struct err err = ERR_INIT;

	fill(&secret);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		snprintf(owners[i], sizeof(owners[i]), "_acme-challenge.w%zu." ZONE, i / 3);
		many[i] = (struct dns_change){ owners[i], DNS_TXT, 60,
			"\"0123456789012345678901234567890123456789012\"", i % 2 };
	}
	CHECK_INT(
		dns_update_make(ZONE, many, DNS_UPDATE_MAX + 1, &key, now, &wire, &sent, &err),
		-1);
	CHECK_INT(dns_update_make(ZONE, many, 600, &key, now, &wire, &sent, &err), 0);
	CHECK_INT(sent.mac_len, 48);
	REQUIRE(dns_message_read(wire.data, wire.len, &message, &err) == 0);
	CHECK_INT(message.n_records, 600 + 200 + 1);
	dns_message_done(&message);
	buf_clear(&wire);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i].rdata =
			"\"0123456789012345678901234567890123456789012345678901234567890"
			"12345678901234567890123456789\"";
	CHECK_INT(
		dns_update_make(ZONE, many, DNS_UPDATE_MAX, &key, now, &wire, &sent, &err), -1);
	CHECK(strstr(err.text, "65535"));
	CHECK_INT(wire.len, 0);
}
