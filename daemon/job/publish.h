/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_PUBLISH_H
#define CERTD_DAEMON_JOB_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>

struct cert_conf;
struct conf;

/*
 * Publishing what DNS should say: for the zones where the challenges of a certificate's names
 * lie, the keeper writes the include file anew and refreshes, sends the update again, or has
 * each record added again.  Many certificates of one zone that are published at once make one
 * refresh, which is the keeper's doing.
 *
 * Where aliases lead is not known here; those zones are among all zones (publish_all.h).
 */

struct zone_conf;

/* Can anything be published there? */
bool publish_can(const struct zone_conf *zone); /* NULL: no */

/*
 * The zone of the certificate's i-th name, if it can be refreshed and no earlier name lies in
 * it; else NULL. `apex` is room for its name.
 */
const char *publish_zone(
	const struct conf *conf, const struct cert_conf *cert, size_t i, char apex[256]);

#endif
