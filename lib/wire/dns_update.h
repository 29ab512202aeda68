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
 * A dynamic update (RFC 2136) changes records of a zone; TSIG (RFC 8945) signs it.
 *
 * The keeper makes and signs an update with dns_update_make(). The engine sends it and parses
 * the answer with dns_update_answer_read(). The keeper, which parses nothing from the network,
 * judges the parsed answer with dns_update_judge(): the bytes that the server signed, and its
 * MAC. An engine that changes any field has no fitting MAC, because the MAC covers all of them.
 *
 * Changes are made by value: adding an existing record and deleting a missing one are no
 * errors, so the same update may be sent again. For every owner that gets a record, the update
 * requires that there is no CNAME (2.4.3, prerequisite "RRset does not exist"), because servers
 * silently ignore additions beside one (3.4.2.2).
 *
 * A server carries out an update as a whole or not at all, so one unwanted record blocks all
 * others. dns_update_blame() says whether a smaller update may succeed. Where the answer leaves
 * that open, an update without changes decides: a server that accepts it has no objection to
 * key and zone.
 *
 * lib/crypt computes the MAC, ldns makes the message.
 */

#define DNS_UPDATE_MAX 1000 /* changes in one message; their octets must also fit into 65535 */

struct dns_change {
	const char *owner; /* canonical, at or below the zone */
	uint16_t type;
	uint32_t ttl;      /* unused for a removal */
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

/* The data of a sent update that is needed to judge its answer. */
struct dns_update_sent {
	uint16_t id;
	uint8_t mac[TSIG_MAC_MAX];
	size_t mac_len; /* 0: not signed */
};

/*
 * Appends the message for a zone, signed at `now`; `key` NULL: unsigned. -1 with ERR_BAD_VALUE,
 * and nothing appended, when there are too many changes, or one is outside the zone or
 * malformed.
 */
int dns_update_make(const char *zone, const struct dns_change *changes, size_t n,
	const struct tsig_key *key, struct instant now, struct buf *out,
	struct dns_update_sent *sent, struct err *err);

/* The fields of an answer, not yet judged. */
struct dns_update_answer {
	uint16_t id, rcode;  /* from the header, for the log */
	bool is_signed;      /* there is a TSIG record, perhaps without a MAC */
	uint16_t tsig_error; /* BADSIG, BADKEY, BADTIME ... */
	struct instant signed_at;
	uint32_t fudge_s;
	struct instant server_time; /* with BADTIME: the server's clock (RFC 8945, 5.2.3) */
	uint8_t mac[TSIG_MAC_MAX];
	size_t mac_len;
	char key_name[256], algorithm[64]; /* canonical */
	struct buf
		/*
		 * the message without its TSIG record and with its original id (RFC 8945,
		 * 4.3.2)
		 */
		input;
};

/* -1 with ERR_BAD_VALUE when it is not an answer to an update; nothing needs freeing then. */
int dns_update_answer_read(
	const void *data, size_t len, struct dns_update_answer *out, struct err *err);
void dns_update_answer_done(struct dns_update_answer *answer); /* zeroed is fine */

/*
 * Did a server that holds the key carry the update out? 0: yes. -1 with a sentence: the refusal
 * and its reason (ERR_ZONE_REFUSED: REFUSED, NOTAUTH, NOTZONE, YXRRSET for a CNAME, BADKEY,
 * BADSIG, BADTIME with the difference of the clocks), or that the answer proves nothing
 * (ERR_DNS: other id, key or algorithm, wrong MAC, no signature, a time off by more than the
 * fudge; SERVFAIL).
 *
 * id and rcode are taken from `input`; the members of these names are not used.
 */
int dns_update_judge(const struct dns_update_answer *answer, const struct dns_update_sent *sent,
	const struct tsig_key *key, const char *zone, struct instant now, struct err *err);

/* The cause of a refusal (ERR_ZONE_REFUSED) of dns_update_judge(). */
enum dns_blame {
	BLAME_ZONE,   /* the server, the zone or the key: it refuses any such update */
	BLAME_RECORD, /* one of the records, or several */
	BLAME_EITHER,
};
enum dns_blame dns_update_blame(const struct dns_update_answer *answer);

#endif
