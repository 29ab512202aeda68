#include "daemon/conf/challenge.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/crypt/digest.h"

enum { LABEL_OCTETS = 10 };

/* RFC 4648, 6, in lower case; ten octets are sixteen characters and leave nothing to pad. */
static void add_base32(const uint8_t *data, size_t len, struct buf *out)
{
	unsigned bits = 0, n_bits = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (n_bits += 8; n_bits >= 5; n_bits -= 5)
			buf_add_char(out,
				"abcdefghijklmnopqrstuvwxyz234567"[bits >> (n_bits - 5) & 31]);
	}
}

void challenge_owner(
	enum challenge type, const char *name, const char *account_url, struct buf *out)
{
	uint8_t digest[SHA256_LEN];

	if (type == CHALLENGE_DNS_ACCOUNT) {
		digest_sha256(account_url, strlen(account_url), digest);
		buf_add_char(out, '_');
		add_base32(digest, LABEL_OCTETS, out);
		buf_add_char(out, '.');
	}
	buf_printf(out, "%s.%s",
		type == CHALLENGE_DNS_PERSIST ? "_validation-persist" : "_acme-challenge",
		name);
}
