/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/crypt/secret.h"
#include "lib/wire/dns_update.h"

/*
 * The input is not signed with the key, so no answer is accepted; unsigned, only NOERROR to the
 * request's id is.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct secret secret AUTO_SECRET = SECRET_INIT;
	struct tsig_key key = { "certd-key", "hmac-sha256", &secret };
	struct dns_update_sent sent = { .id = 0x1234, .mac_len = 32 };
	struct instant now = { 1790000000 };
	struct dns_update_answer answer;
	struct err err = ERR_INIT;
	bool is_fine;

	if (dns_update_answer_read(data, len, &answer, &err) < 0) {
		assert(err.code == ERR_BAD_VALUE && err.text[0] && !answer.input.data);
		return 0;
	}
	assert(answer.mac_len <= TSIG_MAC_MAX && answer.input.len >= 12);
	assert(answer.input.len <= len && answer.rcode < 16);
	assert(memchr(answer.key_name, 0, sizeof(answer.key_name)));
	assert(memchr(answer.algorithm, 0, sizeof(answer.algorithm)));
	secret_add(&secret, "0123456789abcdef0123456789abcdef", 32);
	if (dns_update_judge(&answer, &sent, &key, "dyn.example", now, &err) == 0)
		assert(!"a signature by somebody without the key");
	assert((err.code == ERR_DNS || err.code == ERR_ZONE_REFUSED) && err.text[0]);
	is_fine = dns_update_judge(&answer, &sent, NULL, "dyn.example", now, &err) == 0;
	assert(is_fine == (answer.rcode == 0 && memcmp(answer.input.data, "\x12\x34", 2) == 0));
	dns_update_answer_done(&answer);
	return 0;
}
