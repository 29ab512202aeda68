#ifndef CERTD_DAEMON_JOB_FAILURE_H
#define CERTD_DAEMON_JOB_FAILURE_H

#include <stdbool.h>

#include "lib/base/err.h"

struct buf;
struct failure;

/*
 * The failure ledger as the engine writes it: a failure is a fact that the keeper stores, so that
 * back-off and status survive restarts.
 */

/*
 * Appends the words of REQUEST_fail that make the ledger's next entry out of the last one (NULL or
 * without a code: none) and a new error.  Every error counts, whatever its code.
 */
void failure_add(struct buf *request, const struct failure *last, const struct err *err,
	struct instant now);

/* Has a day begun since this failure was seen first, so that it should be told again? */
bool failure_is_daily(const struct failure *failure, struct instant now);

#endif
