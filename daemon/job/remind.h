/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_REMIND_H
#define CERTD_DAEMON_JOB_REMIND_H

#include "lib/base/instant.h"

struct cert;
struct plan;

/*
 * A reminder tells an administrator what matters although nothing happens: a certificate that
 * nears its end (cert.expiring, daily), that has ended (cert.expired, once), whose age or
 * window yields (cert.late, once).  Called at each look; logs reminders that are due and
 * returns the moment of the next one, INSTANT_NEVER when there is none.
 */
struct instant remind(struct cert *cert, const struct plan *plan, struct instant now);

/* When the reminders start: warn_before, but not before half of the time left at the renewal moment
 * has gone. */
struct instant remind_from(const struct cert *cert, const struct plan *plan);

#endif
