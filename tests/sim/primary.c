/* SPDX-License-Identifier: MIT */
#include "tests/sim/primary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypt/mac.h"
#include "lib/crypt/secret.h"
#include "lib/wire/dns_name.h"
#include "lib/wire/dns_tsig.h"
#include "lib/wire/dns_update.h"
#include "lib/wire/dns_wire.h"
#include "tests/sim/wires.h"

#define ALGORITHM "hmac-sha256"

enum { FLAGS = 2, QR = 0x80, TEXT_MAX = 255 };

/* One message, its signature, and what becomes of both. */
struct update {
	struct wires *wires;
	struct primary *primary;
	const struct buf *message;
	char zone[DNS_NAME_LEN];
	struct dns_update_answer
		asked; /* the request's signature, read as if it were an answer's */
	uint16_t tsig_error;
	uint16_t rcode;
};

enum primary_fault primary_turn(struct primary *primary)
{
	enum primary_fault fault = primary->fault;

	if (++primary->n_begun == primary->lose_at)
		return primary->loss;
	if (primary->n_faults == 0)
		return PRIMARY_WELL;
	primary->n_faults -= primary->n_faults > 0;
	return fault;
}

static void make_key(const struct primary *primary, struct secret *secret, struct tsig_key *key)
{
	secret_add(secret, primary->secret, strlen(primary->secret));
	*key = (struct tsig_key){ primary->key, ALGORITHM, secret };
}

/* A request differs from an answer in one bit, which lies under its signature. */
static void read_signature(struct update *u)
{
	struct buf copy AUTO_BUF = BUF_INIT;
	struct err err;

	buf_add(&copy, u->message->data, u->message->len);
	copy.data[FLAGS] = (char)(copy.data[FLAGS] | QR);
	if (dns_update_answer_read(copy.data, copy.len, &u->asked, &err) < 0) {
		fprintf(stderr, "no update: %s\n", err.text);
		abort();
	}
	u->asked.input.data[FLAGS] = (char)(u->asked.input.data[FLAGS] & ~QR);
}

static int64_t now_of(const struct primary *primary)
{
	return clock_now().s + primary->clock_off_s;
}

/* RFC 8945, 5.2: key, MAC, time. */
static uint16_t check_signature(const struct update *u)
{
	const struct dns_update_answer *asked = &u->asked;
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct dns_tsig tsig = { .time_s = (uint64_t)asked->signed_at.s,
		.fudge_s = (uint16_t)asked->fudge_s };
	struct tsig_key key;
	uint8_t mac[TSIG_MAC_MAX];
	size_t len;
	struct err err;

	if (!str_is(asked->key_name, u->primary->key) || !str_is(asked->algorithm, ALGORITHM))
		return DNS_BADKEY;
	make_key(u->primary, &secret, &key);
	if (dns_tsig_mac(&key, NULL, &asked->input, &tsig, mac, &len, &err) < 0)
		abort();
	if (len != asked->mac_len || !mac_equal(mac, asked->mac, len))
		return DNS_BADSIG;
	if (llabs(now_of(u->primary) - asked->signed_at.s) > asked->fudge_s)
		return DNS_BADTIME;
	return 0;
}

typedef uint16_t each_fn(struct update *u, const struct dns_raw *raw, const char *owner);

/* Calls it with all records of a section; the first rcode that is not NOERROR ends it. */
static uint16_t each(struct update *u, enum dns_section section, each_fn *fn)
{
	struct dns_wire wire;
	const char *fault = dns_wire_begin(&wire, u->message->data, u->message->len);
	char owner[DNS_NAME_LEN];
	uint16_t rcode = DNS_NOERROR;
	struct dns_raw raw;

	dns_name_unpack(wire.question, false, u->zone);
	while (!fault && rcode == DNS_NOERROR && dns_wire_next(&wire, &raw, &fault)) {
		dns_name_unpack(raw.owner, false, owner);
		if (raw.section == section)
			rcode = fn(u, &raw, owner);
	}
	return fault ? DNS_FORMERR : rcode;
}

/* "RRset does not exist" is all that is ever demanded (RFC 2136, 2.4.3). */
static uint16_t demand(struct update *u, const struct dns_raw *raw, const char *owner)
{
	if (raw->rr_class != DNS_CLASS_NONE || raw->len != 0)
		return DNS_FORMERR;
	return wires_holds(u->wires, owner, raw->type, NULL) ? DNS_YXRRSET : DNS_NOERROR;
}

static uint16_t scan(struct update *u, const struct dns_raw *raw, const char *owner)
{
	if (raw->type != DNS_TXT || raw->len < 2)
		return DNS_FORMERR;
	return dns_name_is_below(owner, u->zone) ? DNS_NOERROR : DNS_NOTZONE;
}

/* Adding what is there and deleting what is not change nothing. */
static uint16_t change(struct update *u, const struct dns_raw *raw, const char *owner)
{
	const char *rdata = u->message->data + raw->rdata;
	char text[TEXT_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", (unsigned char)rdata[0], rdata + 1);
	if (raw->rr_class == DNS_CLASS_NONE)
		wires_remove(u->wires, owner, raw->type, text);
	else if (!wires_holds(u->wires, owner, raw->type, text))
		wires_add(u->wires, owner, raw->type, text);
	return DNS_NOERROR;
}

static void carry_out(struct update *u, const char *address, enum primary_fault fault)
{
	u->tsig_error = u->primary->key ? check_signature(u) : 0;
	u->rcode = u->tsig_error                           ? DNS_NOTAUTH
		   : fault == PRIMARY_REFUSES              ? DNS_REFUSED
		   : fault == PRIMARY_NOTAUTH              ? DNS_NOTAUTH
		   : fault == PRIMARY_FAILS                ? DNS_SERVFAIL
		   : !str_is(address, u->primary->address) ? DNS_NOTAUTH
							   : DNS_NOERROR;
	if (u->rcode == DNS_NOERROR)
		u->rcode = each(u, DNS_ANSWER, demand);
	if (u->rcode == DNS_NOERROR && !wires_has_zone(u->wires, address, u->zone))
		u->rcode = DNS_NOTAUTH;
	if (u->rcode == DNS_NOERROR)
		u->rcode = each(u, DNS_AUTHORITY, scan);
	if (u->rcode != DNS_NOERROR)
		return;
	each(u, DNS_AUTHORITY, change);
	u->primary->n_applied++;
}

/* A key or signature that is wrong leaves nothing to sign with; a time does (RFC 8945, 5.2.3). */
static void sign(const struct update *u, enum primary_fault fault, struct buf *answer)
{
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct buf other AUTO_BUF = BUF_INIT;
	struct dns_update_sent request = { .mac_len = u->asked.mac_len },
			       ours = { .id = dns_get_16((const uint8_t *)answer->data) };
	bool is_late = u->tsig_error == DNS_BADTIME;
	struct dns_tsig tsig = { .time_s = (uint64_t)(is_late ? u->asked.signed_at.s
							      : now_of(u->primary)),
		.fudge_s = TSIG_FUDGE_S,
		.error = u->tsig_error };
	struct tsig_key key;
	struct err err;

	make_key(u->primary, &secret, &key);
	if (u->tsig_error == DNS_BADKEY)
		key.name = u->asked.key_name;
	if (is_late)
		dns_put_48(&other, (uint64_t)now_of(u->primary));
	tsig.other = (const uint8_t *)other.data;
	tsig.other_len = other.len;
	memcpy(request.mac, u->asked.mac, request.mac_len);
	if ((!u->tsig_error || is_late) &&
		dns_tsig_mac(&key, &request, answer, &tsig, ours.mac, &ours.mac_len, &err) < 0)
		abort();
	if (fault == PRIMARY_FORGED)
		ours.mac[0] ^= 1;
	dns_tsig_append(&key, &tsig, &ours, answer);
}

/* The header, and the zone as it was named. */
static void begin_answer(const struct update *u, struct buf *answer)
{
	struct dns_wire wire;

	dns_wire_begin(&wire, u->message->data, u->message->len);
	buf_add(answer, u->message->data, wire.pos);
	answer->data[FLAGS] = (char)(QR | DNS_OPCODE_UPDATE << 3);
	answer->data[FLAGS + 1] = (char)u->rcode;
	memset(answer->data + 6, 0, 6);
}

void primary_answer(struct wires *wires, const char *address, enum primary_fault fault,
	const struct buf *message, struct buf *answer)
{
	struct update u = { .wires = wires, .primary = &wires->primary, .message = message };

	read_signature(&u);
	carry_out(&u, address, fault);
	begin_answer(&u, answer);
	if (u.primary->key && fault != PRIMARY_UNSIGNED)
		sign(&u, fault, answer);
	dns_update_answer_done(&u.asked);
}
