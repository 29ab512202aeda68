#ifndef CERTD_DAEMON_DNS_CAA_FIND_H
#define CERTD_DAEMON_DNS_CAA_FIND_H

#include "daemon/dns/trace.h"

/*
 * Which CAA records count for a name: those of the nearest name above it that has any, each looked at
 * through its aliases (RFC 8659, 3); a child task that never fails its parent.
 *
 *	caa_find(&o->caa, task, zones, "www.example.com");
 *	JOIN() ... o->caa.err, caa_found(&o->caa), o->caa.at
 *
 * A name server that fails on the way is ERR_DNS: then nobody knows.
 */

struct caa_find {
	struct task task;
	struct zones *zones;
	char name[DNS_NAME_LEN]; /* of the caller's until it is found */
	const char *at; /* in `name`: whose records they are, or what is looked at now */
	struct trace trace;
	bool is_found;
	struct err err;
};

void caa_find(
	struct caa_find *find, struct task *parent, struct zones *zones, const char *name);

/* The message that holds the set; NULL: there is none, or err says why that is not known. */
const struct dns_message *caa_found(const struct caa_find *find);
void caa_find_done(struct caa_find *find); /* zeroed is fine */

#endif
