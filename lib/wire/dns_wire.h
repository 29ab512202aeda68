/* SPDX-License-Identifier: MIT */
#ifndef CERTD_LIB_WIRE_DNS_WIRE_H
#define CERTD_LIB_WIRE_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/dns_message.h"

/*
 * A DNS wire reader finds the question and the records of a message for the files of this
 * folder, with every bound of lib/wire/dns_message.h checked, and without reading what the
 * records mean.
 *
 *	fault = dns_wire_begin(&wire, data, len);           the header and the question
 *	while (!fault && dns_wire_next(&wire, &raw, &fault)) each record, in order
 *
 * A fault is a text to follow "the message": "is cut short".
 */

struct arena;

#define DNS_HEADER_LEN 12
#define DNS_RECORD_LEN_MIN 11 /* root, type, class, TTL, length */
#define DNS_CLASS_IN 1
#define DNS_CLASS_NONE 254
#define DNS_CLASS_ANY 255
#define DNS_TYPE_OPT 41
#define DNS_TYPE_TSIG 250
#define DNS_OPCODE_UPDATE 5

struct dns_wire {
	const uint8_t *data;
	size_t len, pos;
	uint16_t left[3]; /* records to come, by section */
	bool has_question;
	uint8_t question[DNS_NAME_WIRE_MAX];
	uint16_t question_type, question_class;
};

struct dns_raw {
	enum dns_section section;
	size_t at;         /* the index of its start */
	size_t rdata, len; /* the index of its RDATA, and its octets */
	uint16_t type, rr_class;
	uint32_t ttl;
	uint8_t owner[DNS_NAME_WIRE_MAX];
};

const char *dns_wire_begin(struct dns_wire *wire, const void *data, size_t len);

/* False at the end, and when *fault was set. */
bool dns_wire_next(struct dns_wire *wire, struct dns_raw *out, const char **fault);

/* Fills *out with memory of the arena. A fault, or NULL (dns_record.c). */
const char *dns_record_read(const struct dns_wire *wire, const struct dns_raw *raw,
	struct arena *arena, struct dns_record *out);

static inline uint16_t dns_get_16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t dns_get_32(const uint8_t *at)
{
	return (uint32_t)dns_get_16(at) << 16 | dns_get_16(at + 2);
}

static inline uint64_t dns_get_48(const uint8_t *at)
{
	return (uint64_t)dns_get_16(at) << 32 | dns_get_32(at + 2);
}

void dns_put_16(struct buf *out, unsigned value);
void dns_put_32(struct buf *out, uint32_t value);
void dns_put_48(struct buf *out, uint64_t value);

#endif
