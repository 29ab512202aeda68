/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RULES_CAA_FIND_H
#define CERTD_DAEMON_DNS_RULES_CAA_FIND_H

#include "daemon/dns/rules/caa_look.h"

/*
 * A CAA search finds the CAA records that count for a name: those of the nearest name at or
 * above it that has any, each looked at through its aliases (RFC 8659, 3); a child task that
 * never fails its parent.
 *
 *	caa_find(&o->caa, task, zones, "www.example.com", since);
 *	JOIN() ... o->caa.err, caa_found(&o->caa), o->caa.at
 *
 * A name server that fails on the way is ERR_DNS: the records are then unknown.  Searches share
 * what is asked on the way (caa_look.h). is_remembered tells that some of it may be older than
 * this search; a refusal that follows from it has to be confirmed by a search from now on.
 */

struct caa_find {
	struct task task;
	struct zones *zones;
	char name[DNS_NAME_LEN]; /* of the caller's until it is found */
	const char *at; /* within `name`: the owner of the set, or the name looked at now */
	struct tick begun, since;
	struct caa_look look;
	bool is_found, is_remembered;
	struct err err;
};

/* Answers from before `since` are asked for again; {0}: none is. */
void caa_find(struct caa_find *find, struct task *parent, struct zones *zones, const char *name,
	struct tick since);

/*
 * The same from memory alone, without a task.  False: that takes questions, or has failed.  An
 * owner whose servers did not answer a moment ago gives true with the error.
 */
bool caa_find_recall(
	struct caa_find *find, struct zones *zones, const char *name, struct tick since);

/* The message that holds the set; NULL: there is none, or err says why that is not known. */
const struct dns_message *caa_found(const struct caa_find *find);
void caa_find_done(struct caa_find *find); /* zeroed is fine */

#endif
