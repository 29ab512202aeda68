/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_message.h"

#include <assert.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/wire/dns_wire.h"

/* The bits of the third and fourth octet (RFC 1035, 4.1.1; RFC 4035, 3). */
enum { QR = 0x80, AA = 0x04, TC = 0x02, RD = 0x01, AD = 0x20, RCODE = 0x0f };
/*
 * The memory of one unpacked message: its bound, and its first block. Thousands may be kept at
 * a time.
 */
enum { MEMORY_MAX = 1024 * 1024, MEMORY_FIRST = 512 };

/* In the TTL of an OPT record (RFC 6891, 6.1.3). */
#define EDNS_DO UINT32_C(0x8000)

/* Sets a letter's case by one bit of a sequence from the seed (xorshift, never 0). */
static uint8_t mix_case(uint8_t c, uint32_t *state)
{
	if (c < 'a' || c > 'z')
		return c;
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state & 0x10000 ? (uint8_t)(c - 'a' + 'A') : c;
}

int dns_question_write(const struct dns_question *question, struct buf *out, struct err *err)
{
	uint8_t name[DNS_NAME_WIRE_MAX];
	size_t len = dns_name_pack(question->name, name);
	uint32_t state = question->case_seed;

	if (!len)
		return err_set(err, ERR_BAD_VALUE, "\"%.100s\" is not a name that DNS can have",
			question->name);
	/* The length octets of labels are below all letters. */
	for (size_t i = 0; state && i < len; i++)
		name[i] = mix_case(name[i], &state);
	dns_put_16(out, question->id);
	buf_add_char(out, question->recurse ? RD : 0);
	buf_add_char(out, question->wants_authentic ? AD : 0);
	dns_put_16(out, 1);
	dns_put_32(out, 0);
	dns_put_16(out, !question->no_edns);
	buf_add(out, name, len);
	dns_put_16(out, question->type);
	dns_put_16(out, DNS_CLASS_IN);
	if (question->no_edns)
		return 0;
	buf_add_char(out, 0);
	dns_put_16(out, DNS_TYPE_OPT);
	dns_put_16(out, DNS_EDNS_SIZE);
	dns_put_32(out, question->wants_dnssec ? EDNS_DO : 0);
	dns_put_16(out, 0);
	return 0;
}

static void read_header(const struct dns_wire *wire, struct dns_message *out)
{
	uint8_t high = wire->data[2], low = wire->data[3];
	struct arena *arena = out->memory;
	char name[DNS_NAME_LEN];

	out->id = dns_get_16(wire->data);
	out->opcode = high >> 3 & 0x0f;
	out->rcode = low & RCODE;
	out->is_answer = high & QR;
	out->is_authoritative = high & AA;
	out->is_truncated = high & TC;
	out->is_authentic = low & AD;
	if (!wire->has_question)
		return;
	dns_name_unpack(wire->question, false, name);
	out->question = arena_strdup(arena, name);
	dns_name_unpack(wire->question, true, name);
	out->question_as_sent = arena_strdup(arena, name);
	out->question_type = wire->question_type;
	out->question_class = wire->question_class;
}

static const char *read_opt(const struct dns_raw *raw, struct dns_message *out)
{
	if (out->has_edns)
		return "has two OPT records";
	if (raw->owner[0] != 0)
		return "has an OPT record that is not the root's";
	out->has_edns = true;
	out->rcode = (uint16_t)(raw->ttl >> 24 << 4 | out->rcode);
	return NULL;
}

static const char *read_records(struct dns_wire *wire, struct dns_message *out)
{
	struct arena *arena = out->memory;
	size_t room = 0, fits = (wire->len - wire->pos) / DNS_RECORD_LEN_MIN;
	const char *fault = NULL;
	struct dns_raw raw;

	for (size_t i = 0; i < ARRAY_LEN(wire->left); i++)
		room += wire->left[i];
	if (room > fits)
		room = fits;
	out->records = arena_zalloc(arena, (room + 1) * sizeof(*out->records));
	while (!fault && dns_wire_next(wire, &raw, &fault)) {
		assert(out->n_records < room);
		if (raw.type == DNS_TYPE_OPT && raw.section == DNS_ADDITIONAL)
			fault = read_opt(&raw, out);
		else
			fault = dns_record_read(
				wire, &raw, arena, &out->records[out->n_records++]);
		/* Names that point to one long name grow two hundredfold. */
		if (!fault && arena->total > MEMORY_MAX)
			fault = "is too large when unpacked";
	}
	return fault;
}

int dns_message_read(const void *data, size_t len, struct dns_message *out, struct err *err)
{
	struct dns_wire wire;
	const char *fault = dns_wire_begin(&wire, data, len);

	memset(out, 0, sizeof(*out));
	if (!fault) {
		out->memory = mem_new(struct arena);
		*(struct arena *)out->memory = arena_small(MEMORY_FIRST);
		read_header(&wire, out);
		if (!out->is_truncated)
			fault = read_records(&wire, out);
	}
	if (!fault)
		return 0;
	dns_message_done(out);
	return err_set(err, ERR_BAD_VALUE, "the DNS message %s", fault);
}

void dns_message_done(struct dns_message *message)
{
	if (message->memory)
		arena_done(message->memory);
	free(message->memory);
	memset(message, 0, sizeof(*message));
}

const struct dns_record *dns_message_find(const struct dns_message *message,
	enum dns_section section, uint16_t type, const char *owner,
	const struct dns_record *after)
{
	size_t at = after ? (size_t)(after - message->records) + 1 : 0;

	for (; at < message->n_records; at++) {
		const struct dns_record *record = &message->records[at];

		if (record->section == section && (!type || record->type == type) &&
			record->rr_class == DNS_CLASS_IN &&
			(!owner || str_is(record->owner, owner)))
			return record;
	}
	return NULL;
}
