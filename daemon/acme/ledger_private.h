/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_LEDGER_PRIVATE_H
#define CERTD_DAEMON_ACME_LEDGER_PRIVATE_H

#include "daemon/acme/ledger.h"

/*
 * A counter is what the ledger counts with, shared by its two files: ledger.c (entries, limits,
 * checks) and ledger_reserve.c (reservations of orders under way).  The maps of struct ledger
 * own both structs, whose addresses stay while a reservation exists.
 */

/* Until when to wait for orders under way, where it is unlikely that they use what they reserve. */
#define LEDGER_RESERVED_WAIT MINUTES(1)

/*
 * A token bucket as one moment: when it will be full again.  Each token taken moves it by the time
 * in which one comes back.
 */
struct bucket {
	struct instant full;
	enum limit limit;
	unsigned reserved; /* tokens promised and not taken yet */
	char key[];        /* "WORD SUBJECT" */
};

/* When a set on one key type was issued last, newest first. */
struct ceiling {
	struct instant issued[LEDGER_CEILING];
	struct duration life;
	unsigned reserved; /* orders under way */
	char key[];        /* "ID KEYTYPE" */
};

struct bucket *ledger_want_bucket(struct ledger *ledger, enum limit limit, const char *subject);
struct ceiling *ledger_want_ceiling(struct ledger *ledger, const char *id, const char *type);

/* Each limit of limits.def that such an order meets; none where the ledger has none. */
void ledger_each_limit(const struct ledger *ledger, const struct ledger_ask *ask,
	void (*visit)(enum limit limit, const char *subject, void *data), void *data);

#endif
