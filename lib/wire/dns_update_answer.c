/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_update.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/wire/dns_tsig.h"
#include "lib/wire/dns_wire.h"

static const char bad_tsig[] = "has a malformed TSIG record";

/* The rest of a TSIG record's RDATA. */
struct rest {
	const uint8_t *at, *end;
};

static bool has(const struct rest *rest, size_t len)
{
	return (size_t)(rest->end - rest->at) >= len;
}

static const uint8_t *take(struct rest *rest, size_t len)
{
	const uint8_t *at = rest->at;

	rest->at += len;
	return at;
}

static bool take_name(const uint8_t *wire, char *out, size_t size)
{
	char text[DNS_NAME_LEN];
	size_t len;

	dns_name_unpack(wire, false, text);
	len = strlen(text);
	if (len >= size)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

/*
 * Reads the fields behind the MAC: the request's id, the error, and with BADTIME the server's
 * time (RFC 8945, 4.2, 5.2.3).
 */
static bool read_tail(struct rest *rest, uint16_t *id, struct dns_update_answer *out)
{
	size_t len;

	if (!has(rest, 6))
		return false;
	*id = dns_get_16(take(rest, 2));
	out->tsig_error = dns_get_16(take(rest, 2));
	len = dns_get_16(take(rest, 2));
	if ((size_t)(rest->end - rest->at) != len)
		return false;
	if (len != (out->tsig_error == DNS_BADTIME ? TSIG_OTHER_LEN : 0))
		return false;
	if (len > 0)
		out->server_time.s = (int64_t)dns_get_48(take(rest, len));
	return true;
}

static const char *read_tsig(const struct dns_wire *wire, const struct dns_raw *raw,
	uint16_t *id, struct dns_update_answer *out)
{
	uint8_t algorithm[DNS_NAME_WIRE_MAX];
	size_t pos = raw->rdata, end = raw->rdata + raw->len;
	struct rest rest;

	if (raw->rr_class != DNS_CLASS_ANY || raw->ttl != 0 ||
		!dns_name_read(wire->data, end, &pos, algorithm))
		return bad_tsig;
	rest = (struct rest){ wire->data + pos, wire->data + end };
	if (!take_name(raw->owner, out->key_name, sizeof(out->key_name)) ||
		!take_name(algorithm, out->algorithm, sizeof(out->algorithm)))
		return "has a TSIG record of a key with too long a name";
	if (!has(&rest, 10))
		return bad_tsig;
	out->signed_at.s = (int64_t)dns_get_48(take(&rest, 6));
	out->fudge_s = dns_get_16(take(&rest, 2));
	out->mac_len = dns_get_16(take(&rest, 2));
	if (out->mac_len > TSIG_MAC_MAX || !has(&rest, out->mac_len))
		return bad_tsig;
	memcpy(out->mac, take(&rest, out->mac_len), out->mac_len);
	out->is_signed = true;
	return read_tail(&rest, id, out) ? NULL : bad_tsig;
}

static void read_input(const struct dns_wire *wire, size_t len, uint16_t id, bool is_signed,
	struct dns_update_answer *out)
{
	unsigned count = dns_get_16(wire->data + 10) - (unsigned)is_signed;

	dns_put_16(&out->input, id);
	buf_add(&out->input, wire->data + 2, 8);
	dns_put_16(&out->input, count);
	buf_add(&out->input, wire->data + DNS_HEADER_LEN, len - DNS_HEADER_LEN);
}

static const char *read_answer(struct dns_wire *wire, struct dns_update_answer *out)
{
	const char *fault = NULL;
	size_t len = wire->len;
	struct dns_raw raw;
	uint16_t id;

	if (!(wire->data[2] & 0x80) || (wire->data[2] >> 3 & 0x0f) != DNS_OPCODE_UPDATE)
		return "is no answer to an update";
	out->id = id = dns_get_16(wire->data);
	out->rcode = wire->data[3] & 0x0f;
	while (!fault && dns_wire_next(wire, &raw, &fault)) {
		if (raw.type != DNS_TYPE_TSIG)
			continue;
		if (raw.section != DNS_ADDITIONAL || wire->left[DNS_ADDITIONAL] > 0)
			return "has a TSIG record that is not its last";
		len = raw.at;
		fault = read_tsig(wire, &raw, &id, out);
	}
	if (!fault)
		read_input(wire, len, id, out->is_signed, out);
	return fault;
}

int dns_update_answer_read(
	const void *data, size_t len, struct dns_update_answer *out, struct err *err)
{
	struct dns_wire wire;
	const char *fault = dns_wire_begin(&wire, data, len);

	memset(out, 0, sizeof(*out));
	if (!fault)
		fault = read_answer(&wire, out);
	if (!fault)
		return 0;
	dns_update_answer_done(out);
	return err_set(err, ERR_BAD_VALUE, "the answer to an update %s", fault);
}

void dns_update_answer_done(struct dns_update_answer *answer)
{
	buf_done(&answer->input);
	memset(answer, 0, sizeof(*answer));
}
