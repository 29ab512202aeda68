/* SPDX-License-Identifier: MIT */
#include "tests/sim/dns_wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire/dns_name.h"

enum { TTL = 60, QR = 0x8000, AA = 0x0400 };

static void put16(struct buf *out, unsigned value)
{
	buf_add_char(out, (char)(value >> 8));
	buf_add_char(out, (char)value);
}

static void put32(struct buf *out, unsigned value)
{
	put16(out, value >> 16);
	put16(out, value & 0xffff);
}

static void put_name(struct buf *out, const char *name)
{
	uint8_t octets[DNS_NAME_WIRE_MAX];
	size_t len = dns_name_pack(name, octets);

	if (len == 0) {
		fprintf(stderr, "%s is no name\n", name);
		abort();
	}
	buf_add(out, octets, len);
}

static void put_text(struct buf *out, const char *text, size_t len)
{
	buf_add_char(out, (char)len);
	buf_add(out, text, len);
}

static void put_address(struct buf *out, int family, const char *text)
{
	uint8_t octets[16];

	inet_pton(family, text, octets);
	buf_add(out, octets, family == AF_INET ? 4 : 16);
}

static void put_soa(struct buf *out, const char *text)
{
	char primary[256];
	unsigned serial, minimum;

	if (sscanf(text, "%255s %u %u", primary, &serial, &minimum) != 3)
		abort();
	put_name(out, primary);
	put_name(out, "hostmaster.test");
	put32(out, serial);
	put32(out, 3600);
	put32(out, 600);
	put32(out, 86400);
	put32(out, minimum);
}

static void put_caa(struct buf *out, const char *text)
{
	unsigned flags;
	char tag[32], value[200];

	if (sscanf(text, "%u %31s \"%199[^\"]\"", &flags, tag, value) != 3)
		abort();
	buf_add_char(out, (char)flags);
	put_text(out, tag, strlen(tag));
	buf_add_text(out, value);
}

static void put_data(struct buf *out, uint16_t type, const char *text)
{
	switch (type) {
	case DNS_A:
		put_address(out, AF_INET, text);
		break;
	case DNS_AAAA:
		put_address(out, AF_INET6, text);
		break;
	case DNS_TXT:
		put_text(out, text, strlen(text));
		break;
	case DNS_SOA:
		put_soa(out, text);
		break;
	case DNS_CAA:
		put_caa(out, text);
		break;
	default:
		put_name(out, text);
		break;
	}
}

void reply_begin(struct reply *reply, const char *name, uint16_t type)
{
	*reply = (struct reply){ .rcode = DNS_NOERROR };
	put_name(&reply->question, name);
	put16(&reply->question, type);
	put16(&reply->question, 1);
}

void reply_add(struct reply *reply, enum dns_section section, const char *owner, uint16_t type,
	const char *text)
{
	struct buf *out = &reply->sections[section];
	struct buf data AUTO_BUF = BUF_INIT;

	put_data(&data, type, text);
	put_name(out, owner);
	put16(out, type);
	put16(out, 1);
	put32(out, TTL);
	put16(out, (unsigned)data.len);
	buf_add(out, data.data, data.len);
	reply->n_answers += section == DNS_ANSWER;
	reply->n_authority += section == DNS_AUTHORITY;
	reply->n_additional += section == DNS_ADDITIONAL;
}

void reply_end(struct reply *reply, struct buf *out)
{
	put16(out, 1);
	put16(out, QR | (reply->is_authoritative ? AA : 0) | reply->rcode);
	put16(out, 1);
	put16(out, reply->n_answers);
	put16(out, reply->n_authority);
	put16(out, reply->n_additional);
	buf_add(out, reply->question.data, reply->question.len);
	buf_done(&reply->question);
	for (int i = 0; i < 3; i++) {
		buf_add(out, reply->sections[i].data, reply->sections[i].len);
		buf_done(&reply->sections[i]);
	}
}
