/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_update.h"

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypt/mac.h"
#include "lib/wire/dns_tsig.h"
#include "lib/wire/dns_wire.h"

/*
 * The answer under judgement, which a compromised engine may have made up: a member counts only
 * after it was compared, or when the MAC covers it in its full width.
 */
struct judge {
	const struct dns_update_answer *answer;
	const struct dns_update_sent *sent;
	const struct tsig_key *key;
	const char *zone;
	struct instant now;
};

/*
 * The rcodes of an update that was not carried out, as words behind "the name server of the
 * zone Z".
 */
static const struct {
	enum dns_rcode rcode;
	enum err_code code;
	enum dns_blame blame;
	const char *words;
	const char *unsigned_words; /* for an answer to a signed update; NULL: `words` */
} refusals[] = {
	{ DNS_FORMERR, ERR_ZONE_REFUSED, BLAME_EITHER, "finds the update malformed" },
	{ DNS_SERVFAIL, ERR_DNS, BLAME_ZONE, "failed at the update" },
	{ DNS_NOTIMP, ERR_ZONE_REFUSED, BLAME_ZONE, "takes no dynamic updates" },
	{ DNS_REFUSED, ERR_ZONE_REFUSED, BLAME_EITHER, "does not let us change it" },
	{ DNS_YXRRSET, ERR_ZONE_REFUSED, BLAME_RECORD,
		"has a CNAME where a record is to be, which would be ignored beside it" },
	/* Knot also answers so when its access list has no entry for the client. */
	{ DNS_NOTAUTH, ERR_ZONE_REFUSED, BLAME_EITHER,
		"is not its primary, or does not let us change it",
		/* Knot 3.4 says no more of a key that it does not know. */
		"is not its primary, does not know our key, or does not let us change it" },
	{ DNS_NOTZONE, ERR_ZONE_REFUSED, BLAME_RECORD,
		"finds a name in the update that lies outside of it" },
};

/*
 * The reasons why a server did not accept the signature (RFC 8945, 5.2), by the error in its
 * TSIG record, as words around the name of the key.
 */
static const struct {
	enum dns_rcode error;
	enum dns_blame blame;
	const char *word, *words, *more;
} errors[] = {
	{ DNS_BADSIG, BLAME_ZONE, "BADSIG",
		"finds the signature wrong: it has another secret for the key", "" },
	/* Knot also answers so for a name that its access list denies to a known key. */
	{ DNS_BADKEY, BLAME_EITHER, "BADKEY", "does not know the key",
		", or does not let it change this" },
	{ DNS_BADTRUNC, BLAME_ZONE, "BADTRUNC", "wants a longer signature by the key", "" },
};

static int doubt(const struct judge *j, struct err *err, const char *why)
{
	return err_set(err, ERR_DNS,
		"the answer to the update of the zone %.100s proves nothing: %s", j->zone, why);
}

/* An unsigned refusal is no success either; the sentence says that it is unsigned. */
static int judge_rcode(const struct judge *j, uint16_t rcode, struct err *err)
{
	enum err_code code = ERR_ZONE_REFUSED;
	const char *words = "did not carry the update out";
	char text[16];

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (refusals[i].rcode == rcode) {
			code = refusals[i].code;
			words = j->key && !j->answer->is_signed && refusals[i].unsigned_words
					? refusals[i].unsigned_words
					: refusals[i].words;
		}
	dns_rcode_text(rcode, text);
	if (!j->key)
		return err_set(err, code,
			"the name server of the zone %.100s %s (%s, without a key)", j->zone,
			words, text);
	return err_set(err, code, "the name server of the zone %.100s %s (%s, %s %.100s)",
		j->zone, words, text, j->answer->is_signed ? "key" : "not signed by key",
		j->key->name);
}

/* The times are unchecked input, so the subtraction may not overflow. */
static struct duration apart(struct instant a, struct instant b)
{
	return instant_before(a, b) ? instant_since(b, a) : instant_since(a, b);
}

static int judge_clock(const struct judge *j, struct err *err)
{
	struct duration off = apart(j->answer->server_time, j->now);
	char text[DURATION_TEXT_LEN];

	if (off.s == 0)
		return err_set(err, ERR_ZONE_REFUSED,
			"the name server of the zone %.100s refuses the update because of its "
			"time "
			"(BADTIME)",
			j->zone);
	return err_set(err, ERR_ZONE_REFUSED,
		"the name server of the zone %.100s refuses the update because its clock is %s "
		"%s ours (BADTIME)",
		j->zone, duration_brief(off, text),
		instant_before(j->now, j->answer->server_time) ? "ahead of" : "behind");
}

/* An error without a MAC is the only answer of a server that shares no key. */
static int judge_error(const struct judge *j, struct err *err)
{
	uint16_t error = j->answer->tsig_error;

	if (error == DNS_BADTIME)
		return judge_clock(j, err);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].error == error)
			return err_set(err, ERR_ZONE_REFUSED,
				"the name server of the zone %.100s %s %.100s%s (%s, %s)",
				j->zone, errors[i].words, j->key->name, errors[i].more,
				errors[i].word, j->key->algorithm);
	return err_set(err, ERR_ZONE_REFUSED,
		"the name server of the zone %.100s refuses the key %.100s with error %u",
		j->zone, j->key->name, (unsigned)error);
}

static int check_mac(const struct judge *j, struct err *err)
{
	const struct dns_update_answer *answer = j->answer;
	struct buf other AUTO_BUF = BUF_INIT;
	struct dns_tsig tsig = { .time_s = (uint64_t)answer->signed_at.s,
		.fudge_s = (uint16_t)answer->fudge_s,
		.error = answer->tsig_error };
	uint8_t mac[TSIG_MAC_MAX];
	size_t len;

	if (answer->tsig_error == DNS_BADTIME) {
		dns_put_48(&other, (uint64_t)answer->server_time.s);
		tsig.other = (const uint8_t *)other.data;
		tsig.other_len = other.len;
	}
	if (dns_tsig_mac(j->key, j->sent, &answer->input, &tsig, mac, &len, err) < 0)
		return -1;
	if (answer->fudge_s > UINT16_MAX || answer->mac_len != len ||
		!mac_equal(answer->mac, mac, len))
		return doubt(j, err, "its signature is wrong");
	return 0;
}

static int judge_signature(const struct judge *j, struct err *err)
{
	const struct dns_update_answer *answer = j->answer;

	if (!str_is(answer->key_name, j->key->name))
		return doubt(j, err, "it is signed with another key");
	if (!str_is(answer->algorithm, j->key->algorithm))
		return doubt(j, err, "it is signed with another algorithm");
	if (answer->mac_len == 0)
		return answer->tsig_error ? judge_error(j, err)
					  : doubt(j, err, "it is not signed");
	if (check_mac(j, err) < 0)
		return -1;
	if (answer->tsig_error)
		return judge_error(j, err);
	if (apart(answer->signed_at, j->now).s > answer->fudge_s)
		return doubt(j, err, "it was signed at another time");
	return 0;
}

int dns_update_judge(const struct dns_update_answer *answer, const struct dns_update_sent *sent,
	const struct tsig_key *key, const char *zone, struct instant now, struct err *err)
{
	struct judge j = { answer, sent, key, zone, now };
	const uint8_t *header = (const uint8_t *)answer->input.data;
	uint16_t rcode;

	if (answer->input.len < DNS_HEADER_LEN || !(header[2] & 0x80) ||
		(header[2] >> 3 & 0x0f) != DNS_OPCODE_UPDATE)
		return doubt(&j, err, "it is none");
	if (dns_get_16(header) != sent->id)
		return doubt(&j, err, "it is one to another message");
	rcode = header[3] & 0x0f;
	if (key && answer->is_signed && judge_signature(&j, err) < 0)
		return -1;
	if (rcode != DNS_NOERROR)
		return judge_rcode(&j, rcode, err);
	if (key && !answer->is_signed)
		return doubt(&j, err, "it is not signed");
	return 0;
}

enum dns_blame dns_update_blame(const struct dns_update_answer *answer)
{
	const uint8_t *header = (const uint8_t *)answer->input.data;

	if (answer->is_signed && answer->tsig_error) {
		for (size_t i = 0; i < ARRAY_LEN(errors); i++)
			if (errors[i].error == answer->tsig_error)
				return errors[i].blame;
		return BLAME_ZONE;
	}
	for (size_t i = 0; i < ARRAY_LEN(refusals) && answer->input.len > 3; i++)
		if (refusals[i].rcode == (header[3] & 0x0f))
			return refusals[i].blame;
	return BLAME_ZONE;
}
