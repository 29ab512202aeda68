/* SPDX-License-Identifier: MIT */
#include "daemon/keeper/ca/keyauth.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypt/digest.h"
#include "lib/crypt/jws.h"

enum { TOKEN_MAX = 128 };

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
