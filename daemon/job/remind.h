/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_REMIND_H
#define CERTD_DAEMON_JOB_REMIND_H

#include "lib/base/instant.h"

struct cert;
struct plan;

/*
 * What an administrator must hear although nothing happens: a certificate that nears its end
 * (cert.expiring, daily), that has ended (cert.expired, once), whose age or window yields
 * (cert.late, once).  Called at each look; logs what is due and returns when to look again for its
 * sake, INSTANT_NEVER when there is nothing to come.
 */
struct instant remind(struct cert *cert, const struct plan *plan, struct instant now);

/* When the reminders start: warn_before, but not before half of the time left at the renewal moment
 * has gone. */
struct instant remind_from(const struct cert *cert, const struct plan *plan);

#endif
