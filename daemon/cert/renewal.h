/* SPDX-License-Identifier: MIT */
#ifndef CERTD_DAEMON_CERT_RENEWAL_H
#define CERTD_DAEMON_CERT_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/instant.h"
#include "proto/facts.h"

struct cert_conf;
struct renew_conf;

/*
 * A renewal moment is when a version is to be renewed: arithmetic on its dates and its CA's
 * renewal information, nothing else.
 *
 * A version's life begins when it was stored, not at its notBefore, because CAs backdate;
 * unless the two lie so far apart that it was adopted.  The curve tells how much of the life is
 * to be left at the renewal moment.  Jitter and offset come from a hash of the certificate's
 * name and the version's generation: equal after every restart, foreseeable by `certctl plan`,
 * and even over many certificates.
 *
 * Renewal information of a CA (RFC 9773) replaces the curve, in both directions, unless the
 * configuration says `ari: false`; but no CA can let a version end: at least a twentieth of a
 * life is left.
 */

/* `created` if it lies within [not_before, not_before + 2h], else not_before. */
struct instant version_issued(const struct version_facts *version);

/* From version_issued() to the end, at least one second. */
struct duration version_life(const struct version_facts *version);

/* Has it not begun?  False for a version that is not set. */
bool version_is_early(const struct version_facts *version, struct instant now);

/* Has it ended?  False for a version that is not set. */
bool version_is_expired(const struct version_facts *version, struct instant now);

/*
 * The time that the curve wants to be left of a life: linear between the points, outside them the
 * fraction of the nearest point; a half without any points.
 */
struct duration renewal_left(const struct renew_conf *renew, struct duration life);

/*
 * The renewal moment, with spread and offset.  Never in the first sixteenth of the life, so that
 * renewing cannot become a loop; never so late that less than half of the smaller of reserve and
 * curve is left.
 */
struct instant renewal_moment(
	const struct cert_conf *conf, const struct version_facts *version);

/*
 * The renewal moment of the current version: the one that was chosen in its CA's window, else
 * that of the curve.  A window in the past means now, though not within minutes of the issue,
 * so that a CA which always says "now" makes no loop.  *by_ca (may be NULL): the CA's window
 * decided.
 */
struct instant renewal_of_curr(
	const struct cert_conf *conf, const struct cert_facts *facts, bool *by_ca);

/* max(life/8, min(20h, life/4)): what age and window yield to. */
struct duration renewal_reserve(struct duration life);

/*
 * From here on age and window of a roll yield: reserve before the end; where `moment`, the renewal
 * moment, itself lies that late, halfway between it and the end.
 */
struct instant renewal_late(const struct version_facts *version, struct instant moment);

/* The use of a stable number; two uses of one version must differ. */
enum stable { STABLE_OFFSET, STABLE_SPREAD, STABLE_ISSUER_ROLLED };

/* A number in [0, width) that depends on the arguments only; 0 when width is 0. */
struct duration renewal_stable(
	const char *cert, uint32_t generation, enum stable use, struct duration width);

#endif
