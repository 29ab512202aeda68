/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RULES_PERSIST_H
#define CERTD_DAEMON_DNS_RULES_PERSIST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/instant.h"

struct buf;
struct dns_message;
struct err;

/*
 * The persist record of dns-persist-01 (draft-ietf-acme-dns-persist) is
 * `_validation-persist.NAME`: it names issuer, account and policy, and stays.  Pure.
 *
 *	ca.example; accounturi=https://ca.example/acct/1; policy=wildcard; persistUntil=1795219200
 *
 * certd publishes none: an administrator does, once (persist_text() makes it). persist_judge()
 * decides whether one of the TXT records of an answer does for this CA, account and name, as
 * strictly as the strictest CA: the issuer in lower case and without a final dot, no blank
 * within a value.  Records of other CAs and parameters unknown to the draft do not matter.
 *
 * A record of the parent with policy=wildcard is not looked for: the draft lets a CA take it
 * for names below, but has no way to tell the CA that it should, so CAs look at the name
 * itself.
 */

struct persist_wish {
	const char *name;           /* without "*." */
	bool is_wildcard;           /* wants policy=wildcard */
	const char *const *issuers; /* domain names, of the challenge or the directory; 1..10 */
	size_t n_issuers;
	const char *account_url;
	struct instant now;
};

/*
 * 0: *until is the end of the record that lasts longest, unset when it has none.  -1 with
 * ERR_NOT_VISIBLE: why the record that comes nearest does not do, or what to put there when
 * there is none for this CA.
 */
int persist_judge(const struct persist_wish *wish, const struct dns_message *message,
	struct instant *until, struct err *err);

/* The record to publish: `_validation-persist.NAME. 3600 IN TXT "..."`. */
void persist_text(const struct persist_wish *wish, struct buf *out);

/*
 * Is its end near enough for a warning: 30 days, or a third of the certificate's life if that
 * is less?
 */
bool persist_is_ending(struct instant until, struct instant now, struct duration life);

#endif
