/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_TROUBLE_H
#define CERTD_DAEMON_DNS_RESOLVE_TROUBLE_H

#include "daemon/dns/resolve/zones.h"
#include "lib/base/instant.h"

/*
 * A trouble is a zone that the keeper cannot publish in just now, with the keeper's sentence;
 * for `why`.  Each zone has the newest one only.
 */

struct trouble {
	struct list link; /* in zones->troubles */
	char *zone, *text;
	struct instant since, again; /* again unset: not tried again by itself */
};

/* `text` "" or NULL: all is well there.  Copied. */
void trouble_note(struct zones *zones, const char *zone, const char *text, struct instant since,
	struct instant again);

/* Of the nearest zone that the name lies in, or NULL. */
const struct trouble *trouble_of(const struct zones *zones, const char *name);

void troubles_done(struct zones *zones);

#endif
