#ifndef CERTD_DAEMON_CONF_CHALLENGE_H
#define CERTD_DAEMON_CONF_CHALLENGE_H

#include "daemon/conf/conf.h"

struct buf;

/*
 * Where the record of a challenge stands: the keeper publishes there, and the engine looks there first and
 * follows what aliases it finds.  Pure.
 */

/*
 * Appends the owner of the record, without a final dot: _acme-challenge.NAME (dns-01; RFC 8555, 8.4);
 * _LABEL._acme-challenge.NAME, where the label comes from the account's URL exactly as the server gave it
 * (dns-account-01; draft-ietf-acme-dns-account-label, 3); _validation-persist.NAME (dns-persist-01).  `name`
 * has no "*." in front.
 */
void challenge_owner(
	enum challenge type, const char *name, const char *account_url, struct buf *out);

#endif
