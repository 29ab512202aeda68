#ifndef CERTD_DAEMON_ACME_HEALTH_H
#define CERTD_DAEMON_ACME_HEALTH_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/instant.h"

/*
 * Is a CA in a state to be asked at all: the circuit breaker, one per directory.
 *
 * Only errors that are the CA's own count: nobody there, no TLS, 5xx, nonsense, a limit of the whole
 * account; not those that follow a name (validation, CAA, a refused name).  After HEALTH_TRIES of them in
 * a row the CA counts as down and is left alone for a while that doubles up to an hour; then one order
 * goes first as a probe, and what it tells decides for all.  A success closes the breaker.
 *
 * The struct is embedded in struct acme_ca; nothing is stored, a restart asks the CA afresh.
 */

enum { HEALTH_TRIES = 3 };

struct ca_health {
	unsigned failures;  /* in a row, of the CA's own */
	struct tick until;  /* down until then; .ms == 0: not down */
	struct tick probed; /* a probe is under way since then; .ms == 0: none */
	struct err last;    /* why it counts as down */
};

/* Does this error tell about the CA, and not about the name or about us? */
bool health_is_the_cas(const struct err *err);

/*
 * May an order begin now?  When not, *err says why (ERR_CA_DOWN, with the moment in not_before).  True
 * for one probe when the time is over, then false until it is told how that ended.
 */
bool health_allows(struct ca_health *health, const char *ca, struct tick tick,
	struct instant now, struct err *err);

/* How an order, or what it needs first, ended: NULL or no code for a success. */
void health_note(
	struct ca_health *health, const struct err *err, struct tick tick, struct instant now);

#endif
