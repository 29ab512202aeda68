/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_KEEPER_CA_ACCEPT_H
#define CERTD_DAEMON_KEEPER_CA_ACCEPT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/instant.h"

struct authority;
struct cert_conf;
struct err;
struct pending;
struct version_facts;
struct version_files;

/*
 * An accepted chain is what a CA gave for an order, judged: from its PEM text to the files of a
 * new version, or a sentence that says what is wrong.  Pure, like localca.h: it reads no clock
 * and touches no file.
 *
 *   - certificates and nothing else, leaf first, each issued by the next, all within their dates
 *   - the leaf carries the order's key and exactly the configured names, and is no CA
 *   - it begins now, or so little later that our clock may be late (ACCEPT_AHEAD), it is not
 *     over, and it does not last longer than any honest one (ACCEPT_LIFE, or ACCEPT_LIFE_HELD)
 *   - it has an issuer behind it.  A leaf alone would be served without a path to any root and
 *     fails at every client that lacks the intermediate, so it is taken only when a certificate
 *     of the CA's configured `trust` issued it, which then becomes its chain
 *   - with the CA's `roots_file` it leads to one of these roots.  Without it an engine that was
 *     taken over may make the chain itself, and then bars renewals for its life
 */

/* CAs date their certificates back; a beginning ahead of our clock is our clock being late. */
#define ACCEPT_AHEAD HOURS(1)
#define ACCEPT_LIFE DAYS(400)
#define ACCEPT_LIFE_HELD DAYS(3660) /* below a root of roots_file */

struct accept_order {
	const struct authority *at;
	const struct cert_conf *cert;
	const struct pending *pending;
	uint32_t generation;
	struct instant now;
};

/*
 * Fills *out, which is empty before, and *facts (all but the id).  Both are untouched on
 * failure.
 */
int accept_chain(const struct accept_order *order, const char *pem, size_t len,
	struct version_files *out, struct version_facts *facts, struct err *err);

#endif
