/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/wire/dns_name.h"
#include "lib/wire/name.h"

/*
 * An accepted name is its own canonical form; the names of certificates have the same form
 * there.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text AUTO_FREE = mem_strndup((const char *)data, len);
	char once[DNS_NAME_LEN], twice[DNS_NAME_LEN], host[NAME_MAX_LEN];
	uint8_t wire[DNS_NAME_WIRE_MAX];
	struct err err = ERR_INIT;
	bool is_name = dns_name_canonical(text, once, &err) == 0;

	assert(is_name || (err.code == ERR_BAD_VALUE && err.text[0]));
	if (name_canonical(text, host, &err) == 0 && !name_is_ip(host))
		assert(is_name && strcmp(once, host) == 0);
	if (!is_name)
		return 0;
	assert(strlen(once) < DNS_NAME_LEN);
	if (dns_name_canonical(once, twice, &err) < 0)
		assert(!"a canonical name is none");
	assert(strcmp(once, twice) == 0);
	assert(dns_name_pack(once, wire) > 0);
	for (const char *up = once; up; up = dns_name_parent(up))
		assert(dns_name_is_below(once, up) && dns_name_pack(up, wire) > 0);
	return 0;
}
