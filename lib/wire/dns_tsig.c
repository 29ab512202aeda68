/* SPDX-License-Identifier: MIT */
#include "lib/wire/dns_tsig.h"

#include <assert.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypt/mac.h"
#include "lib/wire/dns_wire.h"

static_assert(TSIG_MAC_MAX >= MAC_LEN_MAX, "any MAC fits");

static const struct {
	const char *algorithm, *digest;
} macs[] = {
	{ "hmac-sha224", "SHA224" },
	{ "hmac-sha256", "SHA256" },
	{ "hmac-sha384", "SHA384" },
	{ "hmac-sha512", "SHA512" },
};

static void add_name(const char *name, struct buf *out)
{
	uint8_t wire[DNS_NAME_WIRE_MAX];

	buf_add(out, wire, dns_name_pack(name, wire));
}

/* RFC 8945, 4.3.3. */
static void add_variables(
	const struct tsig_key *key, const struct dns_tsig *tsig, struct buf *out)
{
	add_name(key->name, out);
	dns_put_16(out, DNS_CLASS_ANY);
	dns_put_32(out, 0);
	add_name(key->algorithm, out);
	dns_put_48(out, tsig->time_s);
	dns_put_16(out, tsig->fudge_s);
	dns_put_16(out, tsig->error);
	dns_put_16(out, (unsigned)tsig->other_len);
	buf_add(out, tsig->other, tsig->other_len);
}

int dns_tsig_mac(const struct tsig_key *key, const struct dns_update_sent *request,
	const struct buf *message, const struct dns_tsig *tsig, uint8_t out[TSIG_MAC_MAX],
	size_t *ret_len, struct err *err)
{
	struct buf input AUTO_BUF = BUF_INIT;
	uint8_t name[DNS_NAME_WIRE_MAX];
	const char *digest = NULL;

	for (size_t i = 0; i < ARRAY_LEN(macs); i++)
		if (str_is(macs[i].algorithm, key->algorithm))
			digest = macs[i].digest;
	if (!digest)
		return err_set(err, ERR_BAD_VALUE, "\"%.60s\" is not a TSIG algorithm",
			key->algorithm);
	if (!dns_name_pack(key->name, name))
		return err_set(err, ERR_BAD_VALUE, "\"%.100s\" is not the name of a TSIG key",
			key->name);
	if (request) {
		dns_put_16(&input, (unsigned)request->mac_len);
		buf_add(&input, request->mac, request->mac_len);
	}
	buf_add(&input, message->data, message->len);
	add_variables(key, tsig, &input);
	return mac_make(key->secret, digest, input.data, input.len, out, ret_len, err);
}

void dns_tsig_append(const struct tsig_key *key, const struct dns_tsig *tsig,
	const struct dns_update_sent *sent, struct buf *message)
{
	struct buf rdata AUTO_BUF = BUF_INIT;
	uint8_t *count = (uint8_t *)message->data + 10;
	unsigned n = dns_get_16(count) + 1u;

	count[0] = (uint8_t)(n >> 8);
	count[1] = (uint8_t)n;
	add_name(key->algorithm, &rdata);
	dns_put_48(&rdata, tsig->time_s);
	dns_put_16(&rdata, tsig->fudge_s);
	dns_put_16(&rdata, (unsigned)sent->mac_len);
	buf_add(&rdata, sent->mac, sent->mac_len);
	dns_put_16(&rdata, sent->id);
	dns_put_16(&rdata, tsig->error);
	dns_put_16(&rdata, (unsigned)tsig->other_len);
	buf_add(&rdata, tsig->other, tsig->other_len);
	add_name(key->name, message);
	dns_put_16(message, DNS_TYPE_TSIG);
	dns_put_16(message, DNS_CLASS_ANY);
	dns_put_32(message, 0);
	dns_put_16(message, (unsigned)rdata.len);
	buf_add(message, rdata.data, rdata.len);
}
