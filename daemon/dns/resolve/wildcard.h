/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_WILDCARD_H
#define CERTD_DAEMON_DNS_RESOLVE_WILDCARD_H

#include "daemon/dns/resolve/lookup.h"

/*
 * Whether an answer was made from a wildcard (RFC 4592).  Such records are not records of the name: one that is
 * published at the name takes their place, so they neither lead it elsewhere nor stand beside it.  For all names at
 * which certd publishes, challenges and TLSA sets.
 *
 *	AWAIT(wildcard_ask(&o->wildcard, task, &o->lookup));    the lookup that has the answer
 *	TRY(wildcard_judge(&o->wildcard, &o->lookup, &is_made, &o->err));
 *	wildcard_done(&o->wildcard);
 *
 * The question is for the name x.*.OWNER of the same type, at the servers that gave the answer.  Where the owner does
 * not exist, the wildcard that covers it covers this name too, at whatever depth, and makes the same
 * records.  Where the owner exists, only a wildcard below *.OWNER could, and that is no name people use.  An alias that a DNAME
 * makes has another target for each name, and counts as one of the name's own: nothing can be published there.
 */

struct wildcard {
	struct lookup lookup;
	char *name; /* x.*.OWNER; NULL: the owner leaves no room for it */
};

/* `answered` is a lookup at servers of a zone, with an answer; the wildcard is zeroed or was used before. */
void wildcard_ask(
	struct wildcard *wildcard, struct task *parent, const struct lookup *answered);

/* -1 with ERR_DNS: no server answers that question at all, so it is not known. */
int wildcard_judge(const struct wildcard *wildcard, const struct lookup *answered,
	bool *ret_is_made, struct err *err);
void wildcard_done(struct wildcard *wildcard); /* zeroed is fine */

#endif
