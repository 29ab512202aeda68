/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CA_KEYAUTH_H
#define CERTD_DAEMON_KEEPER_CA_KEYAUTH_H

#include <stdbool.h>

#include "daemon/conf/conf.h"

struct buf;
struct err;

/*
 * A key authorization is what a challenge asks to be shown.  The keeper alone computes it: from
 * the CA's token, which is checked before it becomes part of anything, and the thumbprint of
 * its own account key.  Pure.
 */

/* base64url, 1 to 128 characters: nothing that could be a path or a second line. */
int keyauth_check_token(const char *token, struct err *err);

/* Appends token "." thumbprint (RFC 8555, 8.1). */
void keyauth_make(const char *token, const char *thumbprint, struct buf *out);

/* base64url of SHA-256, with a NUL. */
#define KEYAUTH_VALUE_LEN 44

/* The TXT record's value for a key authorization (RFC 8555, 8.4).  Returns out. */
const char *keyauth_value(const char *key_authorization, char out[KEYAUTH_VALUE_LEN]);

#endif
