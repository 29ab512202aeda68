/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_update.h"

#include "lib/base/attr.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/crypt/secret.h"
#include "lib/wire/dns_message.h"
#include "lib/wire/dns_tsig.h"
#include "tests/test.h"

/* What is said of answers to updates, true and forged, and of engines that lie about them. */

#define ZONE "dyn.example"

static const struct instant now = { 1790000000 };
static const struct dns_change change = { "a.dyn.example", DNS_TXT, 60, "\"x\"", false };

struct scene {
	struct secret secret, other;
	struct tsig_key key;
	struct dns_update_sent sent;
	struct buf wire; /* the answer */
	struct dns_update_answer answer;
	struct err err;
};

static void scene_done(struct scene *s)
{
	secret_done(&s->secret);
	secret_done(&s->other);
	buf_done(&s->wire);
	dns_update_answer_done(&s->answer);
}

static void scene_init(struct scene *s, const char *algorithm)
{
	struct buf wire AUTO_BUF = BUF_INIT;

	memset(s, 0, sizeof(*s));
	secret_add(&s->secret, "0123456789abcdef0123456789abcdef", 32);
	secret_add(&s->other, "0123456789abcdef0123456789abcdeF", 32);
	s->key = (struct tsig_key){ "certd-key", algorithm, &s->secret };
	REQUIRE(dns_update_make(ZONE, &change, 1, &s->key, now, &wire, &s->sent, &s->err) == 0);
}

/* A server's answer without a signature. */
static void reply(struct scene *s, unsigned rcode)
{
	uint8_t header[12] = { (uint8_t)(s->sent.id >> 8), (uint8_t)s->sent.id, 0xa8,
		(uint8_t)rcode, 0, 1 };

	buf_clear(&s->wire);
	buf_add(&s->wire, header, sizeof(header));
	buf_add(&s->wire, "\3dyn\7example\0\0\6\0\1", 17);
}

/* The server's TSIG record behind it, with a MAC or without. */
static void sign(
	struct scene *s, const struct tsig_key *key, struct dns_tsig tsig, bool has_mac)
{
	struct dns_update_sent mine = { .id = s->sent.id };

	if (has_mac)
		REQUIRE(dns_tsig_mac(key, &s->sent, &s->wire, &tsig, mine.mac, &mine.mac_len,
				&s->err) == 0);
	dns_tsig_append(key, &tsig, &mine, &s->wire);
}

static void sign_well(struct scene *s)
{
	sign(s, &s->key, (struct dns_tsig){ .time_s = (uint64_t)now.s, .fudge_s = 300 }, true);
}

/* 0, or -1 and why, whoever found it. */
static int judge(struct scene *s, struct instant when)
{
	int rc;

	s->err = (struct err)ERR_INIT;
	dns_update_answer_done(&s->answer);
	rc = dns_update_answer_read(s->wire.data, s->wire.len, &s->answer, &s->err);
	return rc < 0 ? rc
		      : dns_update_judge(&s->answer, &s->sent, s->key.name ? &s->key : NULL,
				ZONE, when, &s->err);
}

TEST(carried_out)
{
	static const char *const algorithms[] = { "hmac-sha224", "hmac-sha256", "hmac-sha384",
		"hmac-sha512" };

	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		struct scene s CLEANUP(scene_done);

		scene_init(&s, algorithms[i]);
		reply(&s, 0);
		sign_well(&s);
		CHECK_INT(judge(&s, now), 0);
		CHECK_INT(judge(&s, (struct instant){ now.s + 300 }), 0);
		CHECK_INT(judge(&s, (struct instant){ now.s - 300 }), 0);
		CHECK_INT(judge(&s, (struct instant){ now.s + 301 }), -1);
		CHECK_INT(judge(&s, (struct instant){ now.s - 301 }), -1);
		CHECK_STR(s.err.text, "the answer to the update of the zone dyn.example proves "
				      "nothing: it was signed at another time");
		CHECK_INT(s.err.code, ERR_DNS);
	}
}

static const struct {
	unsigned rcode;
	enum err_code code;
	const char *want;
} rcodes[] = {
	{ DNS_FORMERR, ERR_ZONE_REFUSED,
		"finds the update malformed (FORMERR, key certd-key)" },
	{ DNS_SERVFAIL, ERR_DNS, "failed at the update (SERVFAIL, key certd-key)" },
	{ DNS_NXDOMAIN, ERR_ZONE_REFUSED,
		"did not carry the update out (NXDOMAIN, key certd-key)" },
	{ DNS_NOTIMP, ERR_ZONE_REFUSED, "takes no dynamic updates (NOTIMP, key certd-key)" },
	{ DNS_REFUSED, ERR_ZONE_REFUSED, "does not let us change it (REFUSED, key certd-key)" },
	{ DNS_YXRRSET, ERR_ZONE_REFUSED,
		"has a CNAME where a record is to be, which would be ignored beside it "
		"(YXRRSET, key certd-key)" },
	{ DNS_NOTAUTH, ERR_ZONE_REFUSED,
		"is not its primary, or does not let us change it (NOTAUTH, key certd-key)" },
	{ DNS_NOTZONE, ERR_ZONE_REFUSED,
		"finds a name in the update that lies outside of it (NOTZONE, key certd-key)" },
	{ 15, ERR_ZONE_REFUSED, "did not carry the update out (RCODE15, key certd-key)" },
};

TEST(refused)
{
	for (size_t i = 0; i < ARRAY_LEN(rcodes); i++) {
		struct scene s CLEANUP(scene_done);
		char *want AUTO_FREE = mem_printf(
			"the name server of the zone dyn.example %s", rcodes[i].want);

		scene_init(&s, "hmac-sha256");
		reply(&s, rcodes[i].rcode);
		sign_well(&s);
		CHECK_INT(judge(&s, now), -1);
		CHECK_INT(s.err.code, rcodes[i].code);
		CHECK_STR(s.err.text, want);
		/* The same from somebody who may be anybody. */
		reply(&s, rcodes[i].rcode);
		CHECK_INT(judge(&s, now), -1);
		CHECK_INT(s.err.code, rcodes[i].code);
		CHECK(strstr(s.err.text, ", not signed by key certd-key)"));
	}
}

/* A server that shares no key with us may say no more than that (Knot 3.4). */
TEST(unknown_key_without_a_signature_is_a_cause_of_its_own)
{
	struct scene s CLEANUP(scene_done);

	scene_init(&s, "hmac-sha256");
	reply(&s, DNS_NOTAUTH);
	CHECK_INT(judge(&s, now), -1);
	CHECK_INT(s.err.code, ERR_ZONE_REFUSED);
	CHECK_STR(s.err.text,
		"the name server of the zone dyn.example is not its primary, does not know "
		"our key, or does not let us change it (NOTAUTH, not signed by key certd-key)");
	CHECK_INT(dns_update_blame(&s.answer), BLAME_EITHER);
}

static const struct {
	uint16_t error;
	const char *want;
} errors[] = {
	{ DNS_BADKEY,
		"does not know the key certd-key, or does not let it change this (BADKEY, "
		"hmac-sha256)" },
	{ DNS_BADSIG, "finds the signature wrong: it has another secret for the key certd-key "
		      "(BADSIG, hmac-sha256)" },
	{ DNS_BADTRUNC,
		"wants a longer signature by the key certd-key (BADTRUNC, hmac-sha256)" },
	{ 99, "refuses the key certd-key with error 99" },
};

TEST(no_key_in_common)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct scene s CLEANUP(scene_done);
		char *want AUTO_FREE = mem_printf(
			"the name server of the zone dyn.example %s", errors[i].want);

		scene_init(&s, "hmac-sha256");
		reply(&s, DNS_NOTAUTH);
		sign(&s, &s.key,
			(struct dns_tsig){
				.time_s = (uint64_t)now.s, .error = errors[i].error },
			false);
		CHECK_INT(judge(&s, now), -1);
		CHECK_INT(s.err.code, ERR_ZONE_REFUSED);
		CHECK_STR(s.err.text, want);
	}
}

static const struct {
	int64_t off_s;
	const char *want;
} clocks[] = {
	{ 3600, "refuses the update because its clock is 1h ahead of ours (BADTIME)" },
	{ -86400 * 2 - 3600,
		"refuses the update because its clock is 2d 1h behind ours (BADTIME)" },
	{ 0, "refuses the update because of its time (BADTIME)" },
};

TEST(clocks_apart)
{
	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		struct scene s CLEANUP(scene_done);
		char *want AUTO_FREE = mem_printf(
			"the name server of the zone dyn.example %s", clocks[i].want);
		uint64_t server = (uint64_t)(now.s + clocks[i].off_s);
		uint8_t other[TSIG_OTHER_LEN];
		struct dns_tsig tsig = { (uint64_t)now.s, 300, DNS_BADTIME, other,
			sizeof(other) };

		for (size_t k = 0; k < sizeof(other); k++)
			other[k] = (uint8_t)(server >> (40 - 8 * k));
		scene_init(&s, "hmac-sha256");
		reply(&s, DNS_NOTAUTH);
		sign(&s, &s.key, tsig, true);
		CHECK_INT(judge(&s, now), -1);
		CHECK_INT(s.err.code, ERR_ZONE_REFUSED);
		CHECK_STR(s.err.text, want);
		CHECK_INT(s.answer.server_time.s, server);
	}
}

static void check_doubt(struct scene *s, const char *why)
{
	char *want AUTO_FREE = mem_printf(
		"the answer to the update of the zone dyn.example proves nothing: %s", why);

	CHECK_INT(judge(s, now), -1);
	CHECK_INT(s->err.code, ERR_DNS);
	CHECK_STR(s->err.text, want);
}

TEST(proves_nothing)
{
	struct scene s CLEANUP(scene_done);
	struct dns_tsig tsig = { .time_s = (uint64_t)now.s, .fudge_s = 300 };
	struct tsig_key key;

	scene_init(&s, "hmac-sha256");
	reply(&s, 0);
	check_doubt(&s, "it is not signed");
	sign(&s, &s.key, tsig, false);
	check_doubt(&s, "it is not signed");
	reply(&s, 0);
	key = (struct tsig_key){ "other-key", "hmac-sha256", &s.secret };
	sign(&s, &key, tsig, true);
	check_doubt(&s, "it is signed with another key");
	reply(&s, 0);
	key = (struct tsig_key){ "certd-key", "hmac-sha512", &s.secret };
	sign(&s, &key, tsig, true);
	check_doubt(&s, "it is signed with another algorithm");
	reply(&s, 0);
	key = (struct tsig_key){ "certd-key", "hmac-sha256", &s.other };
	sign(&s, &key, tsig, true);
	check_doubt(&s, "its signature is wrong");
	s.sent.id++;
	reply(&s, 0);
	sign_well(&s);
	s.sent.id--;
	check_doubt(&s, "it is one to another message");
}

/* Without a key there is nothing to hold an answer against but its id. */
TEST(unsigned_update)
{
	struct scene s CLEANUP(scene_done);

	scene_init(&s, "hmac-sha256");
	s.key.name = NULL;
	s.sent.mac_len = 0;
	reply(&s, 0);
	CHECK_INT(judge(&s, now), 0);
	reply(&s, DNS_REFUSED);
	CHECK_INT(judge(&s, now), -1);
	CHECK_STR(s.err.text,
		"the name server of the zone dyn.example does not let us change it "
		"(REFUSED, without a key)");
	s.sent.id++;
	check_doubt(&s, "it is one to another message");
}

/* No octet of a signed answer can be another, but those of the id that the way of the message may change. */
TEST(every_octet_counts)
{
	struct scene s CLEANUP(scene_done);

	scene_init(&s, "hmac-sha256");
	for (unsigned bit = 0; bit < 8; bit++) {
		/* The case of a letter in a name says nothing. */
		if (bit == 5)
			continue;
		reply(&s, 0);
		sign_well(&s);
		for (size_t i = 2; i < s.wire.len; i++) {
			s.wire.data[i] = (char)(s.wire.data[i] ^ 1 << bit);
			if (judge(&s, now) == 0)
				TEST_FAIL("bit %u of octet %zu of %zu", bit, i, s.wire.len);
			s.wire.data[i] = (char)(s.wire.data[i] ^ 1 << bit);
		}
		CHECK_INT(judge(&s, now), 0);
		for (size_t n = 0; n < s.wire.len; n++) {
			struct dns_update_answer cut;

			CHECK_INT(dns_update_answer_read(s.wire.data, n, &cut, &s.err), -1);
		}
	}
}

/* What an engine that somebody took over could say about a true refusal, or an old answer. */
TEST(lies_of_the_engine)
{
	struct scene s CLEANUP(scene_done);
	struct dns_update_answer *a = &s.answer;
	struct dns_update_answer saved;

	scene_init(&s, "hmac-sha256");
	reply(&s, DNS_REFUSED);
	sign_well(&s);
	CHECK_INT(judge(&s, now), -1);
	a->rcode = 0;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	a->input.data[3] = 0;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	CHECK(strstr(s.err.text, "its signature is wrong"));
	a->is_signed = false;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	CHECK(strstr(s.err.text, "it is not signed"));

	reply(&s, 0);
	sign_well(&s);
	CHECK_INT(judge(&s, (struct instant){ now.s + 1000 }), -1);
	saved = *a;
	a->fudge_s += 65536;
	CHECK_INT(dns_update_judge(
			  a, &s.sent, &s.key, ZONE, (struct instant){ now.s + 1000 }, &s.err),
		-1);
	*a = saved;
	a->signed_at.s = INT64_MIN + now.s;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	*a = saved;
	a->signed_at.s += INT64_C(1) << 48;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	*a = saved;
	a->mac_len = 16;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	*a = saved;
	a->mac_len = 1000;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	*a = saved;
	a->tsig_error = DNS_BADTIME;
	a->server_time.s = INT64_MIN;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	a->mac_len = 0;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	*a = saved;
	a->input.len = 11;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), -1);
	*a = saved;
	CHECK_INT(dns_update_judge(a, &s.sent, &s.key, ZONE, now, &s.err), 0);
}

TEST(no_answers)
{
	static const char *const wants[] = {
		"the answer to an update is no answer to an update",
		"the answer to an update has a TSIG record that is not its last",
		"the answer to an update has a malformed TSIG record"
	};
	struct scene s CLEANUP(scene_done);

	scene_init(&s, "hmac-sha256");
	reply(&s, 0);
	s.wire.data[2] = 0x28;
	CHECK_INT(judge(&s, now), -1);
	CHECK_STR(s.err.text, wants[0]);
	s.wire.data[2] = (char)0x80;
	CHECK_INT(judge(&s, now), -1);
	CHECK_STR(s.err.text, wants[0]);
	reply(&s, 0);
	sign_well(&s);
	sign_well(&s);
	CHECK_INT(judge(&s, now), -1);
	CHECK_STR(s.err.text, wants[1]);
	/* Octets for an error that has none. */
	reply(&s, 0);
	sign(&s, &s.key,
		(struct dns_tsig){ .other = (const uint8_t *)"abcdef", .other_len = 6 }, true);
	CHECK_INT(judge(&s, now), -1);
	CHECK_STR(s.err.text, wants[2]);
}
