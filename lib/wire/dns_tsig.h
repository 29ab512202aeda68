/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_DNS_TSIG_H
#define CERTD_LIB_WIRE_DNS_TSIG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/dns_update.h"

/*
 * A TSIG record (RFC 8945) carries the MAC over a message. Name and algorithm are the key's.
 * ldns is not used: it does not know hmac-sha384 (1.8.3), trusts the algorithm that the answer
 * names, and checks neither time nor error.
 */

struct err;

struct dns_tsig {
	uint64_t time_s; /* 48 bits */
	uint16_t fudge_s, error;
	const uint8_t *other; /* with BADTIME: the server's time */
	size_t other_len;
};

#define TSIG_OTHER_LEN 6 /* of that time */

/*
 * Computes the MAC over a message without its TSIG record; `request` is set when the message is
 * an answer, and has the MAC of its request (4.3). -1: the algorithm is unknown, or the key is
 * unusable.
 */
int dns_tsig_mac(const struct tsig_key *key, const struct dns_update_sent *request,
	const struct buf *message, const struct dns_tsig *tsig, uint8_t out[TSIG_MAC_MAX],
	size_t *ret_len, struct err *err);

/* Appends the record and counts it in the header of the message. */
void dns_tsig_append(const struct tsig_key *key, const struct dns_tsig *tsig,
	const struct dns_update_sent *sent, struct buf *message);

#endif
