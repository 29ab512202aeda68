/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_ACME_RECORD_H
#define CERTD_DAEMON_ACME_RECORD_H

#include <stdbool.h>

#include "daemon/acme/authz.h"

/*
 * A record is the part of an authorization that lies in DNS: where the record of its challenge
 * really stands, and whether all servers show it.
 *
 *	AWAIT(record_find(a));             through aliases and delegations
 *	TRY(record_place(a, err));         may we publish there; for dns-persist-01: does it do
 *	... present with a->trace.owner ...
 *	record_watch(a, task);             an operation of the order's task; JOIN()ed for all names
 *	TRY(record_seen(a, err));
 *
 * A CA is never told to look before record_seen() was content: a failed look costs one of a
 * few.
 */

/*
 * Does the challenge of this authorization stand in DNS?  Also when an earlier life has
 * answered it: the CA may still look.
 */
bool record_is_needed(const struct authz *authz);

/* The trace of a challenge's owner, before there is an authorization; a child task of `parent`. */
void record_trace(
	struct trace *trace, struct task *parent, const struct order *order, const char *owner);

/* Looks where the record stands; what came of it is in authz->trace. */
void record_find(struct authz *authz);

/* 0, or -1: aliases in a circle, a name server that fails, or a zone that we do not publish. */
int record_place(struct authz *authz, struct err *err);

/* The same for another's trace of `asked`; for checks before an order. */
int record_may_publish(const struct zones *zones, const char *asked, const struct trace *trace,
	struct err *err);

/*
 * Waits, as operations of the task, until all name servers show what was presented, and those
 * of the zones of aliases on the way to it the aliases: the CA may ask any of them.
 */
void record_watch(struct authz *authz, struct task *task);
int record_seen(const struct authz *authz, struct err *err);

/* The last answers of the name servers, a sentence; false when nothing is waited for. */
bool record_tell(const struct authz *authz, struct buf *out);

/* Frees what is held for the record. */
void record_done(struct authz *authz);

#endif
