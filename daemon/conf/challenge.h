/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CONF_CHALLENGE_H
#define CERTD_DAEMON_CONF_CHALLENGE_H

#include "daemon/conf/conf.h"

struct buf;
struct err;

/*
 * A challenge record stands where these functions say: the keeper publishes there, and the
 * engine looks there first and follows the aliases that it finds.  Pure.
 */

/*
 * Appends the owner of the record, without a final dot: _acme-challenge.NAME (dns-01; RFC 8555,
 * 8.4); _LABEL._acme-challenge.NAME, where the label comes from the account's URL exactly as
 * the server gave it (dns-account-01; draft-ietf-acme-dns-account-label, 3);
 * _validation-persist.NAME (dns-persist-01).  `name` has no "*." in front.
 */
void challenge_owner(
	enum challenge type, const char *name, const char *account_url, struct buf *out);

/*
 * Is this, canonical, such an owner at which we publish ourselves: not that of a record that
 * stays?
 */
bool challenge_is_owner(const char *name);

/*
 * The zone, as it is published into, of an owner that `entry` of dns.zones serves (conf_zone).
 * `apex` is that of the zone that holds the owner in DNS, or NULL when it could not be asked.
 * An entry serves its own zone, those below it that have none, and `default` all others, each
 * under the name of its apex; one that is no zone of its own in DNS serves what lies below it
 * in the zone above, under its own name.  NULL: the entry is `default`, and the apex is not
 * known.
 */
const char *challenge_zone(const struct zone_conf *entry, const char *apex);

/*
 * The operator of a name's zone decides where the aliases lead that begin at the record's own
 * name `asked`, and so where in our zones a record is published.  A record makes its owner
 * exist, and all names between that and the apex, for which no wildcard answers then; and it
 * stands beside other records of its type.  So a zone that holds names of certificates takes
 * only owners without another use: their first labels begin with an underscore, and the rest is
 * the apex, or a certificate's name or above one.  A zone without such names was made for
 * challenges.  The key `aliases` widens that, or forbids all.
 *
 * 0, or -1 with ERR_BAD_CONFIG and how to mend it: the owner is not for aliases.  An `owner`
 * that is in no zone called by its name is refused, too.
 */
int challenge_check_alias(
	const struct conf *conf, const char *asked, const char *owner, struct err *err);

#endif
