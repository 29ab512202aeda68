/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_wire.h"

#include <string.h>

static const char too_short[] = "is cut short";

const char *dns_wire_begin(struct dns_wire *wire, const void *data, size_t len)
{
	size_t total = 0;
	uint16_t questions;

	memset(wire, 0, sizeof(*wire));
	wire->data = data;
	wire->len = len;
	if (len < DNS_HEADER_LEN)
		return too_short;
	if (len > DNS_MESSAGE_MAX)
		return "is longer than 65535 octets";
	questions = dns_get_16(wire->data + 4);
	for (size_t i = 0; i < 3; i++) {
		wire->left[i] = dns_get_16(wire->data + 6 + 2 * i);
		total += wire->left[i];
	}
	if (questions > 1)
		return "has more than one question";
	if (total > DNS_RECORDS_MAX)
		return "has more than 1000 records";
	wire->pos = DNS_HEADER_LEN;
	wire->has_question = questions == 1;
	if (!wire->has_question)
		return NULL;
	if (!dns_name_read(wire->data, len, &wire->pos, wire->question))
		return "has a question without a name";
	if (len - wire->pos < 4)
		return too_short;
	wire->question_type = dns_get_16(wire->data + wire->pos);
	wire->question_class = dns_get_16(wire->data + wire->pos + 2);
	wire->pos += 4;
	return NULL;
}

bool dns_wire_next(struct dns_wire *wire, struct dns_raw *out, const char **fault)
{
	unsigned section = DNS_ANSWER;
	const uint8_t *fixed;

	while (section < DNS_ADDITIONAL && !wire->left[section])
		section++;
	if (!wire->left[section]) {
		*fault = wire->pos == wire->len ? NULL : "has octets behind its end";
		return false;
	}
	wire->left[section]--;
	out->section = (enum dns_section)section;
	out->at = wire->pos;
	if (!dns_name_read(wire->data, wire->len, &wire->pos, out->owner)) {
		*fault = "has a record without an owner";
		return false;
	}
	if (wire->len - wire->pos < DNS_RECORD_LEN_MIN - 1) {
		*fault = too_short;
		return false;
	}
	fixed = wire->data + wire->pos;
	out->type = dns_get_16(fixed);
	out->rr_class = dns_get_16(fixed + 2);
	out->ttl = dns_get_32(fixed + 4);
	out->len = dns_get_16(fixed + 8);
	out->rdata = wire->pos + DNS_RECORD_LEN_MIN - 1;
	if (wire->len - out->rdata < out->len) {
		*fault = too_short;
		return false;
	}
	wire->pos = out->rdata + out->len;
	return true;
}

void dns_put_16(struct buf *out, unsigned value)
{
	uint8_t octets[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	buf_add(out, octets, sizeof(octets));
}

void dns_put_32(struct buf *out, uint32_t value)
{
	dns_put_16(out, value >> 16);
	dns_put_16(out, value & UINT16_MAX);
}

void dns_put_48(struct buf *out, uint64_t value)
{
	dns_put_16(out, (unsigned)(value >> 32) & UINT16_MAX);
	dns_put_32(out, (uint32_t)value);
}
