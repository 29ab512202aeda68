/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_DNS_RULES_CAA_H
#define CERTD_DAEMON_DNS_RULES_CAA_H

#include <stdbool.h>
#include <stddef.h>

struct dns_message;
struct err;

/*
 * A CAA check decides whether a CA may issue for a name, by the CAA records of DNS (RFC 8659,
 * RFC 8657).  Pure: the set comes in the message that answered the question for it, and counts
 * whole; caa_find.h finds which set that is (climbing, aliases).
 *
 * Forbidden is what the CA would refuse for sure: a critical property that is unknown or
 * malformed; no issue property (for a wildcard issuewild, else issue) that names one of the
 * CA's identities, allows the account (accounturi) and the challenge (validationmethods).  A
 * malformed issue property names no CA (RFC 8659, 4.2).  A set without such properties (iodef
 * alone) forbids nothing.  Parameters outside the standards are left to the CA.
 */

struct caa_wish {
	const char *name; /* for the sentence; with "*." when is_wildcard */
	bool is_wildcard;
	const char *const *identities; /* of the CA's directory; none: nothing is forbidden */
	size_t n_identities;
	const char *account_url; /* NULL: not known yet, then accounturi is not judged */
	const char *challenge;   /* "dns-01" */
	const char *at;          /* the owner of the set, for the sentence */
};

/*
 * 0, or -1 with ERR_CAA: "the CAA records of example.com allow only ca1.example and
 * ca2.example to issue, not letsencrypt.org; add: example.com.  CAA 0 issue "letsencrypt.org"".
 */
int caa_judge(const struct caa_wish *wish, const struct dns_message *message, struct err *err);

#endif
