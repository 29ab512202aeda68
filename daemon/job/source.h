/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_JOB_SOURCE_H
#define CERTD_DAEMON_JOB_SOURCE_H

#include <stdbool.h>

struct job;

/*
 * A source is where an issue gets its certificate: the CAs of the certificate's list, in their
 * order.
 *
 * A local CA is asked through the keeper, which picks among all local ones of the list; an ACME
 * CA gets an order.  The next one of the list is asked when the error is the CA's own (no
 * connection, a limit, a local CA without a certificate) or its own refusal before there is an
 * order (CAA records, its account, its profile, its rules for names), never for an error that
 * follows the name everywhere, and never while an order that was placed may still give a
 * certificate.  An ACME CA that counts as down is passed over, unless an operator forces the
 * issue; one whose limits are used up (manners.h), in any case.  An order in flight is resumed
 * first, wherever it was placed.
 *
 *	while (source_next(job)) {
 *		AWAIT(source_ask(job));
 *		...
 *	}
 *	TRY(source_result(job));
 *
 * The facts that come back go to the fleet at once.  A test is ordered at the staging directory
 * of the first CA that has one; nothing of it reaches the fleet.
 */

/* Is there (another) CA to ask?  Picks it. */
bool source_next(struct job *job);
void source_ask(struct job *job);

/* Was the last one an ACME CA? */
bool source_was_order(const struct job *job);

/* 0, or -1 with the error of the CA that was asked last as the job's. */
int source_result(struct job *job);

#endif
