/* SPDX-License-Identifier: MIT */
#ifndef CERTD_TESTS_SIM_DNS_WIRE_H
#define CERTD_TESTS_SIM_DNS_WIRE_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/wire/dns_message.h"

/* Answers as bytes, made without the library that certd reads them with: no compression, TTL 60. */

struct reply {
	struct buf question, sections[3];
	unsigned n_answers, n_authority, n_additional;
	uint16_t rcode;
	bool is_authoritative;
};

void reply_begin(struct reply *reply, const char *name, uint16_t type);

/*
 * One record.  `text`: an address (A, AAAA), a name (NS, CNAME, DNAME), a text (TXT), "PRIMARY SERIAL MINIMUM" (SOA),
 * `FLAGS TAG "VALUE"` (CAA).
 */
void reply_add(struct reply *reply, enum dns_section section, const char *owner, uint16_t type,
	const char *text);

/* Appends the message, and frees the reply. */
void reply_end(struct reply *reply, struct buf *out);

#endif
