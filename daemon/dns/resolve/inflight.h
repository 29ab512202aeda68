/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_INFLIGHT_H
#define CERTD_DAEMON_DNS_RESOLVE_INFLIGHT_H

#include <stdbool.h>

#include "daemon/dns/resolve/zones.h"
#include "lib/base/err.h"

/*
 * The search for the servers of a zone that nobody knows yet: one trace asks, and all others that come to the
 * same zone meanwhile wait for it (trace.c), so that a thousand names of one zone ask the resolver once.
 *
 *	if (inflight_is_on(zones, apex))
 *		AWAIT(inflight_join(zones, task, &o->join, apex));   then o->join.err, or all over again
 *	search = inflight_begin(zones, apex); ... inflight_end(search, &err);
 *
 * What was found is in zones->cuts.  That nothing was found is kept for INFLIGHT_KEPT_MS for those
 * who do not depend on it (inflight_failed()); anybody else searches again.
 */

#define INFLIGHT_KEPT_MS (10 * 1000)

struct inflight {
	char apex[DNS_NAME_LEN];
	struct zones *zones;
	struct list waiting; /* struct inflight_op */
	struct tick until;   /* it failed; `err` is of interest until then */
	bool is_on;
	struct err err;
};

struct inflight_op {
	struct op op;
	struct list link;
	struct err err; /* why it failed, which is not the task's error; unset: look again */
};

bool inflight_is_on(const struct zones *zones, const char *apex);
void inflight_join(
	struct zones *zones, struct task *task, struct inflight_op *op, const char *apex);

/* For the one that asks, while no search is on.  Must be ended, whatever comes of it. */
struct inflight *inflight_begin(struct zones *zones, const char *apex);

/* `err` as it is: without a code, or ERR_CANCELLED, those who wait look again themselves.  NULL is fine. */
void inflight_end(struct inflight *inflight, const struct err *err);

/* Did it fail a moment ago?  Then that error, else NULL. */
const struct err *inflight_failed(const struct zones *zones, const char *apex);

/* Another configuration is in force, or it is the end: nothing that failed counts any more. */
void inflights_forget(struct zones *zones);

#endif
