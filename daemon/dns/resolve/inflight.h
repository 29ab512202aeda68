/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_INFLIGHT_H
#define CERTD_DAEMON_DNS_RESOLVE_INFLIGHT_H

#include <stdbool.h>

#include "daemon/dns/resolve/zones.h"
#include "lib/base/err.h"

/*
 * A search in flight looks for the servers of an unknown zone.  One trace asks; other traces of
 * the same zone wait for it (trace.c), so that a thousand names of one zone ask the resolver
 * once.
 *
 *	if (inflight_is_on(zones, apex))
 *		AWAIT(inflight_join(zones, task, &o->join, apex));
 *		then o->join.err, or all over again
 *	inflight = inflight_begin(zones, apex); ... inflight_end(inflight, &err);
 *
 * The servers found are in zones->delegations.  A failure is kept for INFLIGHT_KEPT_MS for
 * callers that can do without the answer (inflight_failed()); others search again.
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

/* Begins a search, while none is on.  The caller ends it with inflight_end() in every case. */
struct inflight *inflight_begin(struct zones *zones, const char *apex);

/*
 * Ends the search.  `err` without a code or with ERR_CANCELLED makes waiting traces search
 * themselves.  NULL is fine.
 */
void inflight_end(struct inflight *inflight, const struct err *err);

/* The error of a search that failed less than INFLIGHT_KEPT_MS ago, or NULL. */
const struct err *inflight_failed(const struct zones *zones, const char *apex);

/* Forgets all failures, for another configuration and for the end. */
void inflights_forget(struct zones *zones);

#endif
