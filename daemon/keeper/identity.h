#ifndef CERTD_DAEMON_KEEPER_IDENTITY_H
#define CERTD_DAEMON_KEEPER_IDENTITY_H

#include <stdbool.h>

struct buf;
struct err;

/*
 * Who we are at a CA, as challenges show it: the thumbprint of the account's key and the account's URL,
 * appended; from accounts/CA/{key.pem,account} below the state directory, or below its test/.  An
 * account without a URL has none.  -1 when there is no key.
 */
int identity_read(const char *state_dir, const char *ca, bool is_test, struct buf *thumbprint,
	struct buf *url, struct err *err);

#endif
