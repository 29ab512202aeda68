/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_wire.h"

#include <ctype.h>
#include <ldns/ldns.h>
#include <string.h>

#include "lib/base/mem.h"

/*
 * RDATA with compressed names is read here, with this file's bounds, because a name of two
 * octets costs ldns as much as the 255 octets that it stands for. Other RDATA is passed to ldns
 * as a single record, and its result is compared with the input, because ldns ignores octets
 * behind those that a type needs.
 */

static const char malformed[] = "has a malformed record";

/*
 * The layout of decoded types: fixed octets, names that may be compressed, octets behind them;
 * without names the minimum.
 */
static const struct shape {
	uint16_t type;
	uint8_t before, names, behind;
} shapes[] = {
	{ DNS_A, 4, 0, 0 },
	{ DNS_NS, 0, 1, 0 },
	{ DNS_CNAME, 0, 1, 0 },
	{ DNS_SOA, 0, 2, 20 },
	{ DNS_MX, 2, 1, 0 },
	{ DNS_TXT, 1, 0, 0 },
	{ DNS_AAAA, 16, 0, 0 },
	{ DNS_DNAME, 0, 1, 0 },
	{ DNS_DS, 5, 0, 0 },
	{ DNS_RRSIG, 20, 0, 0 },
	{ DNS_DNSKEY, 5, 0, 0 },
	{ DNS_TLSA, 4, 0, 0 },
	{ DNS_CAA, 0, 0, 0 },
};

static const struct shape *shape_of(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (shapes[i].type == type)
			return &shapes[i];
	return NULL;
}

/*
 * Reads RDATA with its names in canonical form (RFC 4034, 6.2), because servers compress with
 * pointers into the question of mixed case; also its text and its first name.
 */
static bool read_names(const struct dns_wire *wire, const struct dns_raw *raw,
	const struct shape *shape, struct buf *out, struct buf *text, char first[DNS_NAME_LEN])
{
	uint8_t octets[DNS_NAME_WIRE_MAX];
	char other[DNS_NAME_LEN], *name;
	size_t end = raw->rdata + raw->len, pos = raw->rdata + shape->before, len;

	if (raw->len < shape->before)
		return false;
	buf_add(out, wire->data + raw->rdata, shape->before);
	if (shape->type == DNS_MX)
		buf_printf(text, "%u ", (unsigned)dns_get_16(wire->data + raw->rdata));
	for (unsigned i = 0; i < shape->names; i++) {
		len = dns_name_read(wire->data, end, &pos, octets);
		if (!len)
			return false;
		name = i == 0 ? first : other;
		dns_name_unpack(octets, false, name);
		dns_name_pack(name, octets);
		buf_add(out, octets, len);
		buf_add_text(text, i > 0 ? " " : "");
		buf_add_text(text, name);
		buf_add_char(text, '.');
	}
	if (end - pos != shape->behind)
		return false;
	buf_add(out, wire->data + pos, end - pos);
	for (; pos < end; pos += 4)
		buf_printf(text, " %u", (unsigned)dns_get_32(wire->data + pos));
	return true;
}

static void add_generic(const uint8_t *data, size_t len, struct buf *out)
{
	buf_printf(out, "\\# %zu", len);
	if (len > 0)
		buf_add_char(out, ' ');
	buf_add_hex(out, data, len);
}

static ldns_buffer *new_buffer(size_t size)
{
	ldns_buffer *buffer = ldns_buffer_new(size);

	if (!buffer)
		mem_exhausted();
	return buffer;
}

static bool is_same(const ldns_rr *rr, const struct buf *data)
{
	ldns_buffer *buffer = new_buffer(data->len + 1);
	bool same = ldns_rr_rdata2buffer_wire(buffer, rr) == LDNS_STATUS_OK &&
		    ldns_buffer_position(buffer) == data->len &&
		    memcmp(ldns_buffer_begin(buffer), buf_text(data), data->len) == 0;

	ldns_buffer_free(buffer);
	return same;
}

/* ldns writes texts for zone files; control characters in them are not displayable. */
static bool add_fields(const ldns_rr *rr, struct buf *out)
{
	ldns_buffer *buffer = new_buffer(LDNS_MIN_BUFLEN);
	bool ok = true;

	for (size_t i = 0; ok && i < ldns_rr_rd_count(rr); i++) {
		if (i > 0)
			ldns_buffer_printf(buffer, " ");
		ok = ldns_rdf2buffer_str(buffer, ldns_rr_rdf(rr, i)) == LDNS_STATUS_OK;
	}
	for (size_t i = 0; ok && i < ldns_buffer_position(buffer); i++) {
		uint8_t c = ldns_buffer_read_u8_at(buffer, i);

		if (isprint(c))
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "\\%03u", (unsigned)c);
	}
	ldns_buffer_free(buffer);
	return ok;
}

/* ldns's presentation form of a record without names; false: malformed. */
static bool add_text(uint16_t type, const struct buf *data, struct buf *out)
{
	struct buf alone AUTO_BUF = BUF_INIT;
	ldns_rr *rr = NULL;
	ldns_status status;
	size_t pos = 0;
	bool ok;

	buf_add_char(&alone, 0);
	dns_put_16(&alone, type);
	dns_put_16(&alone, DNS_CLASS_IN);
	dns_put_32(&alone, 0);
	dns_put_16(&alone, (unsigned)data->len);
	buf_add(&alone, buf_text(data), data->len);
	status = ldns_wire2rr(
		&rr, (const uint8_t *)alone.data, alone.len, &pos, LDNS_SECTION_ANSWER);
	if (status == LDNS_STATUS_MEM_ERR)
		mem_exhausted();
	if (status != LDNS_STATUS_OK)
		return false;
	ok = pos == alone.len && is_same(rr, data) && add_fields(rr, out);
	ldns_rr_free(rr);
	return ok;
}

/*
 * Each string has its length before it; dns_record_read() has checked that they fill the RDATA.
 */
static void join_strings(struct arena *arena, struct dns_record *out)
{
	struct buf joined AUTO_BUF = BUF_INIT;

	for (size_t at = 0; at < out->len; at += 1u + out->data[at])
		buf_add(&joined, out->data + at + 1, out->data[at]);
	out->txt_len = joined.len;
	out->txt = arena_strndup(arena, buf_text(&joined), joined.len);
}

/* Flags, the length of the tag, the tag, the value (RFC 8659, 4.1). */
static void read_caa(struct arena *arena, struct dns_record *out)
{
	struct dns_caa *caa = &out->caa;
	size_t n = out->len > 1 ? out->data[1] : 0, rest;
	char *tag;

	caa->flags = out->len > 0 ? out->data[0] : 0;
	caa->is_malformed = n == 0 || n > out->len - 2;
	if (caa->is_malformed)
		return;
	rest = out->len - 2 - n;
	tag = arena_strndup(arena, (const char *)out->data + 2, n);
	for (size_t i = 0; i < n; i++) {
		caa->is_malformed |= !isalnum((unsigned char)tag[i]);
		tag[i] = (char)tolower((unsigned char)tag[i]);
	}
	caa->is_malformed |= memchr(out->data + 2 + n, 0, rest) != NULL;
	if (caa->is_malformed)
		return;
	caa->tag = tag;
	caa->value = arena_strndup(arena, (const char *)out->data + 2 + n, rest);
}

static void read_fields(struct arena *arena, struct dns_record *out)
{
	const uint8_t *tail = out->data + out->len;

	switch (out->type) {
	case DNS_A:
	case DNS_AAAA:
		memcpy(out->address, out->data, out->len);
		break;
	case DNS_SOA:
		out->soa.serial = dns_get_32(tail - 20);
		out->soa.expire = dns_get_32(tail - 8);
		out->soa.minimum = dns_get_32(tail - 4);
		break;
	case DNS_MX:
		out->preference = dns_get_16(out->data);
		break;
	case DNS_TXT:
		join_strings(arena, out);
		break;
	case DNS_RRSIG:
		out->covered = dns_get_16(out->data);
		break;
	default:
		break;
	}
}

const char *dns_record_read(const struct dns_wire *wire, const struct dns_raw *raw,
	struct arena *arena, struct dns_record *out)
{
	const struct shape *shape = raw->rr_class == DNS_CLASS_IN ? shape_of(raw->type) : NULL;
	struct buf data AUTO_BUF = BUF_INIT, text AUTO_BUF = BUF_INIT;
	char name[DNS_NAME_LEN];
	bool has_names = shape && shape->names > 0;

	memset(out, 0, sizeof(*out));
	out->section = raw->section;
	out->type = raw->type;
	out->rr_class = raw->rr_class;
	out->ttl = raw->ttl > INT32_MAX ? 0 : raw->ttl;
	dns_name_unpack(raw->owner, false, name);
	out->owner = arena_strdup(arena, name);
	if (!has_names)
		buf_add(&data, wire->data + raw->rdata, raw->len);
	else if (!read_names(wire, raw, shape, &data, &text, name))
		return malformed;
	out->len = data.len;
	out->data = memcpy(arena_zalloc(arena, data.len + 1), buf_text(&data), data.len);
	if (has_names)
		out->target = arena_strdup(arena, name);
	if (shape && shape->type == DNS_CAA)
		read_caa(arena, out);
	if (!shape || out->caa.is_malformed)
		add_generic(out->data, out->len, &text);
	else if (!has_names && (raw->len < shape->before || !add_text(out->type, &data, &text)))
		return malformed;
	out->text = arena_strdup(arena, buf_text(&text));
	if (shape)
		read_fields(arena, out);
	return NULL;
}
