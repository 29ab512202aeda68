/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RESOLVE_WILDCARD_H
#define CERTD_DAEMON_DNS_RESOLVE_WILDCARD_H

#include "daemon/dns/resolve/lookup.h"

/*
 * A wildcard test decides whether an answer was made from a wildcard (RFC 4592).  Such records
 * are not records of the name: a record published at the name replaces them, so they neither
 * lead it elsewhere nor stand beside it.  All names at which certd publishes are tested:
 * challenges and TLSA sets.
 *
 *	AWAIT(wildcard_ask(&o->wildcard, task, &o->lookup));    the lookup with the answer
 *	TRY(wildcard_judge(&o->wildcard, &o->lookup, &is_made, &o->err));
 *	wildcard_done(&o->wildcard);
 *
 * The question is for x.*.OWNER of the same type, at the servers that gave the answer.  Where
 * the owner does not exist, the wildcard that covers it covers this name too, at any depth, and
 * makes the same records.  Where the owner exists, only a wildcard below *.OWNER could, which
 * is no name in use.  An alias made by a DNAME has another target for each name and counts as
 * one of the name's own: nothing can be published there.
 */

struct wildcard {
	struct lookup lookup;
	char *name; /* x.*.OWNER; NULL: the owner leaves no room for it */
};

/*
 * `answered` is a lookup at servers of a zone, with an answer; the wildcard is zeroed or was
 * used before.
 */
void wildcard_ask(
	struct wildcard *wildcard, struct task *parent, const struct lookup *answered);

/* -1 with ERR_DNS: no server answers that question at all, so it is not known. */
int wildcard_judge(const struct wildcard *wildcard, const struct lookup *answered,
	bool *ret_is_made, struct err *err);
void wildcard_done(struct wildcard *wildcard); /* zeroed is fine */

#endif
