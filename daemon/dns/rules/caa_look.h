/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RULES_CAA_LOOK_H
#define CERTD_DAEMON_DNS_RULES_CAA_LOOK_H

#include <stdbool.h>

#include "daemon/dns/resolve/zones.h"
#include "lib/base/err.h"

/*
 * A CAA look reads the CAA records of one owner through its aliases; an operation of a task.
 * Names of one domain share what is above them, so one question serves all that wait for an
 * owner.  The answer is remembered as long as it may be cached, CAA_KEPT_MS at most: for the
 * least TTL on the way, and for that of RFC 2308 when there are no records.  Failures are not
 * remembered.
 *
 *	AWAIT(caa_look(zones, task, &o->look, "example.com", since));
 *	... o->look.err, o->look.seen->is_found, o->look.seen->message
 *	caa_look_done(&o->look);
 *
 * An answer that was asked for before `since` is not taken from memory, but a question under
 * way is waited for: look at seen->asked, and look again. {0} takes whatever is remembered.
 */

#define CAA_KEPT_MS (10 * 60 * 1000)

struct caa_asking;

struct caa_seen {
	unsigned n_users;
	char owner[DNS_NAME_LEN];
	struct tick asked, until;
	bool is_found;
	struct dns_message message; /* with the records, when is_found */
};

struct caa_look {
	struct op op;
	struct list link;
	struct caa_asking *asking; /* while it is waited for */
	struct caa_seen *seen;     /* a reference; NULL: err says why the records are unknown */
	struct err err;            /* not the task's */
};

void caa_look(struct zones *zones, struct task *task, struct caa_look *look, const char *owner,
	struct tick since);
void caa_look_done(struct caa_look *look); /* zeroed is fine */

/* The same from memory alone; false: it is not remembered. */
bool caa_recall(
	struct zones *zones, struct caa_look *look, const char *owner, struct tick since);

/* Forgets everything, for another configuration and for the end. */
void caa_forget(struct zones *zones);

/* For zones_stop(). */
void caa_stop(struct zones *zones);

#endif
