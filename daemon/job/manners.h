/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_MANNERS_H
#define CERTD_DAEMON_JOB_MANNERS_H

#include <stdbool.h>

#include "daemon/acme/ledger.h"
#include "lib/base/list.h"
#include "lib/task/task.h"

struct ca_conf;
struct cert;
struct conf;
struct job;

/*
 * The rate limits of the ACME CAs are kept with ledgers (daemon/acme/ledger.h); this is how
 * jobs use them: read one from the keeper before it is needed for the first time, ask it before
 * an order, note what was ordered, and have the keeper keep how it ended.
 *
 *	while (manners_must_read(job)) {
 *		AWAIT(manners_read(job));
 *		manners_take(job);
 *	}
 *	...
 *	if (manners_must_record(job))
 *		AWAIT(manners_record(job));
 *	...
 *	FINALLY
 *	manners_leave(job);
 *
 * Of several jobs that want the same ledger at once one reads it, and the others wait for it.
 * A ledger that cannot be read or kept stops no job: it then counts as empty, and the CA itself
 * tells its limits.  Staging has its own limits and none of this.
 */

struct manners {
	struct list cas; /* one for every CA that was ever needed; kept until the end */
};

/* A job that waits for another one's reading; part of struct job. */
struct manners_wait {
	struct op op;
	struct list link;
};

void manners_init(struct manners *manners);
void manners_done(struct manners *manners); /* zeroed is fine */

/* The ledger of a CA; NULL before it was read. */
struct ledger *manners_ledger(struct manners *manners, const struct ca_conf *ca);

/* Is there a ledger of the job's CAs that was not read yet?  Picks it. */
bool manners_must_read(struct job *job);
void manners_read(struct job *job); /* never fails */
void manners_take(struct job *job);

/* However the job ends: were it reading still, another one does. */
void manners_leave(struct job *job);

/*
 * May an order for this certificate be placed at this CA now?  -1 with ERR_RATE_LIMITED.
 * `wants_turn`: it is about to be; who is refused gets a turn.
 */
int manners_check(struct manners *manners, const struct conf *conf, const struct cert *cert,
	const struct ca_conf *ca, bool is_forced, bool wants_turn, struct err *err);

/* The kind that an order for this certificate has for the CA's limits, now. */
enum ledger_kind manners_kind(const struct cert *cert, const struct ca_conf *ca);

/*
 * An order for the job's certificate is about to be placed there, or was found in flight: until
 * it ended what it may use up counts as used (cert->reserved).
 */
void manners_reserve(struct job *job, const struct ca_conf *ca);
void manners_release(struct job *job);

/* The order of the job was placed. */
void manners_note_order(struct job *job);

/* The order of the job ended: is there something for the ledger in it?  Notes it. */
bool manners_must_record(struct job *job);
void manners_record(struct job *job); /* never fails */

#endif
