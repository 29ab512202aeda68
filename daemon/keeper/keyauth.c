#include "daemon/keeper/keyauth.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/jws.h"

enum { TOKEN_MAX = 128, LABEL_OCTETS = 10 };

int keyauth_check_token(const char *token, struct err *err)
{
	size_t len = strlen(token);

	if (len < 1 || len > TOKEN_MAX ||
		strspn(token,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
			len)
		return err_set(err, ERR_BAD_VALUE,
			"the token is not 1 to %d characters of base64url", TOKEN_MAX);
	return 0;
}

void keyauth_make(const char *token, const char *thumbprint, struct buf *out)
{
	buf_printf(out, "%s.%s", token, thumbprint);
}

const char *keyauth_value(const char *key_authorization, char out[KEYAUTH_VALUE_LEN])
{
	struct buf text AUTO_BUF = BUF_INIT;
	uint8_t digest[SHA256_LEN];

	digest_sha256(key_authorization, strlen(key_authorization), digest);
	jws_base64url(&text, digest, sizeof(digest));
	memcpy(out, buf_text(&text), KEYAUTH_VALUE_LEN);
	return out;
}

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

void keyauth_owner(
	enum challenge type, const char *name, const char *account_url, struct buf *out)
{
	uint8_t digest[SHA256_LEN];

	if (type == CHALLENGE_DNS_ACCOUNT) {
		digest_sha256(account_url, strlen(account_url), digest);
		buf_add_char(out, '_');
		add_base32(digest, LABEL_OCTETS, out);
		buf_add_char(out, '.');
	}
	buf_printf(out, "_acme-challenge.%s", name);
}
