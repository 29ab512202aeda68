/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_DNS_UPDATE_H
#define CERTD_LIB_WIRE_DNS_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/instant.h"

struct err;
struct secret;

/*
 * Dynamic updates (RFC 2136) and the signature on them (TSIG, RFC 8945).
 *
 * The keeper makes and signs an update with dns_update_make(); the engine sends it and takes the answer
 * apart with dns_update_answer_read(), and the keeper, which parses nothing from the network, judges with
 * dns_update_judge() what the engine read: the bytes that the server signed, and its MAC.  An engine that lies
 * about any field gets no MAC that fits, because all that is believed lies under it.
 *
 * Changes are made by value: adding what is there and deleting what is not are no errors, so the same update
 * may be sent again.  For every owner that gets a record, the update demands that there is no CNAME (2.4.3,
 * prerequisite "RRset does not exist"), because servers ignore additions beside one in silence (3.4.2.2).
 *
 * An update is carried out as a whole or not at all, so one record that the server does not want keeps all others
 * out.  dns_update_blame() tells whether a smaller one may fare better, and where that cannot be told from the answer, an
 * update without any change tells: a server that carries it out has nothing against the key and the zone.
 *
 * (The MAC is made with lib/crypt; ldns makes the message.)
 */

#define DNS_UPDATE_MAX 1000 /* changes in one message; their octets must fit into 65535, too */

struct dns_change {
	const char *owner; /* canonical, at or below the zone */
	uint16_t type;
	uint32_t ttl;      /* not of a removal */
	const char *rdata; /* presentation form, as in a zone file */
	bool is_removal;
};

struct tsig_key {
	const char *name;      /* canonical */
	const char *algorithm; /* "hmac-sha256": hmac-sha224, -256, -384, -512 */
	const struct secret *secret;
};

#define TSIG_FUDGE_S 300
#define TSIG_MAC_MAX 64

/* What has to be kept for the answer's sake. */
struct dns_update_sent {
	uint16_t id;
	uint8_t mac[TSIG_MAC_MAX];
	size_t mac_len; /* 0: it was not signed */
};

/*
 * Appends the message for a zone, signed for the moment `now`; `key` NULL: unsigned.  -1 with ERR_BAD_VALUE:
 * there are too many changes, or one does not belong into the zone or is malformed; nothing is appended then.
 */
int dns_update_make(const char *zone, const struct dns_change *changes, size_t n,
	const struct tsig_key *key, struct instant now, struct buf *out,
	struct dns_update_sent *sent, struct err *err);

/* What an answer says, before it is believed. */
struct dns_update_answer {
	uint16_t id, rcode;  /* as they stand in the header, for the log */
	bool is_signed;      /* there is a TSIG record; it may be one without a MAC */
	uint16_t tsig_error; /* BADSIG, BADKEY, BADTIME ... */
	struct instant signed_at;
	uint32_t fudge_s;
	struct instant server_time; /* with BADTIME: the server's clock (RFC 8945, 5.2.3) */
	uint8_t mac[TSIG_MAC_MAX];
	size_t mac_len;
	char key_name[256], algorithm[64]; /* canonical */
	struct buf
		input; /* the message without its TSIG record and with its original id (RFC 8945, 4.3.2) */
};

/* -1 with ERR_BAD_VALUE: it is no answer to an update; then nothing is to be freed. */
int dns_update_answer_read(
	const void *data, size_t len, struct dns_update_answer *out, struct err *err);
void dns_update_answer_done(struct dns_update_answer *answer); /* zeroed is fine */

/*
 * Did a server that holds the key carry the update out?  0: yes.  -1 with one clear sentence:
 * who refused and why (ERR_ZONE_REFUSED: REFUSED, NOTAUTH, NOTZONE, YXRRSET: a CNAME is in the way, BADKEY,
 * BADSIG, BADTIME with how far the clocks are apart), or that the answer proves nothing (ERR_DNS: other id, key or
 * algorithm, wrong MAC, no signature, a time off by more than the fudge; SERVFAIL).
 *
 * id and rcode are taken out of `input`, the members of that name are not looked at.
 */
int dns_update_judge(const struct dns_update_answer *answer, const struct dns_update_sent *sent,
	const struct tsig_key *key, const char *zone, struct instant now, struct err *err);

/* What an answer that dns_update_judge() found to be a refusal (ERR_ZONE_REFUSED) is about. */
enum dns_blame {
	BLAME_ZONE, /* the server, the zone or the key: it refuses any update of ours like this one */
	BLAME_RECORD, /* one of the records, or several */
	BLAME_EITHER,
};
enum dns_blame dns_update_blame(const struct dns_update_answer *answer);

#endif
