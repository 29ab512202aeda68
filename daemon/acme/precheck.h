/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_PRECHECK_H
#define CERTD_DAEMON_ACME_PRECHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/acme/found.h"
#include "lib/base/err.h"
#include "lib/task/task.h"

struct order;
struct name_check;

/*
 * A precheck finds out before an order is placed whether it would fail: a child task of the
 * order, whose error is the order's, with the CA unasked.  For each name, side by side:
 *
 *   - where its record would stand, when it is proven in DNS: no aliases in a circle, no name
 *     server that fails, a zone that we publish; or the record of dns-persist-01, when the CA
 *     tells its own names;
 *   - what CAA records say about a CA that tells its names (RFC 8659; RFC 8657).  When they
 *     cannot be looked up the order goes on: only a refusal that is sure to come is spared.  A
 *     refusal that follows from memory is looked for again before it is told, since records may
 *     have been mended.
 *
 * While name servers are asked the order gives up its place at the CA, so that slow ones hold
 * up no other order; with answers from memory it keeps it.  A name and its wildcard are one
 * question each.  The place of a record is kept for the authorizations.
 */

struct precheck {
	struct task task;
	struct order *order;
	struct name_check *names;
	size_t n;
	struct found_records found;
	bool is_passed;
};

void precheck_start(struct precheck *precheck, struct order *order);
void precheck_done(struct precheck *precheck); /* zeroed is fine */

#endif
